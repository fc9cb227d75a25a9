"""A PostgreSQL server of our own, in a temporary folder, for as long as a test session needs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "canary-7f3a91c2e5d84b60"
_USERS = ("postgres", "nobody")


def binaries() -> Path | None:
    """Return the folder with PostgreSQL's programs; None where it is not installed."""
    found = shutil.which("initdb")
    places = [] if found is None else [Path(found).parent]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").is_file()), None)


class Cluster:
    """A running server; `owner` may do everything, and has the password `PASSWORD`."""

    def __init__(self, folder: Path, bin_folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._bin = bin_folder

    def url(self, database: str = "postgres", *, user: str = "owner", host: str = "127.0.0.1") -> str:
        """Return the URL of a database, with the password."""
        return f"postgresql://{user}:{PASSWORD}@{host}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self._run(
            "pg_ctl",
            "-D",
            str(self.folder / "data"),
            "-l",
            str(self.folder / "log"),
            "-w",
            "-t",
            "300",
            "start",
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server; connections end."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "-t", "300", "stop")

    def make(self, port: int, addresses: str, *, fsync: bool) -> None:
        """Make the server's files."""
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        shutil.chown(self.folder / "password", self.user) if self.user else None
        self._run(
            *("initdb", "-D", str(self.folder / "data"), "-U", "owner", "-E", "UTF8", "--no-sync"),
            *("--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}", "--locale=C"),
        )
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"port = {port}\nlisten_addresses = '{addresses}'\nmax_connections = 60\n"
                f"fsync = {'on' if fsync else 'off'}\n"
                f"unix_socket_directories = '{self.folder}'\nshared_buffers = 64MB\n"
            )
        with (self.folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.write("host all all all scram-sha-256\n")

    @property
    def user(self) -> str | None:
        """The system's user that runs it: PostgreSQL refuses to be run by root."""
        if os.getuid() != 0:
            return None
        names = {line.split(":")[0] for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines()}
        return next(name for name in _USERS if name in names)

    def _run(self, program: str, *args: str) -> None:
        drop = [] if self.user is None else ["setpriv", f"--reuid={self.user}", "--clear-groups"]
        ran = subprocess.run(
            [*drop, str(self._bin / program), *args],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        if ran.returncode:
            log = self.folder / "log"
            raise RuntimeError(ran.stdout + (log.read_text() if log.is_file() else ""))


@contextmanager
def cluster(
    folder: str, bin_folder: Path, port: int, addresses: str = "127.0.0.1", *, fsync: bool = False
) -> Iterator[Cluster]:
    """Give a running server in an empty folder, and stop it."""
    made = Cluster(Path(folder), bin_folder, port)
    if made.user is not None:
        shutil.chown(folder, made.user)
    made.make(port, addresses, fsync=fsync)
    made.start()
    try:
        yield made
    finally:
        made.stop()
