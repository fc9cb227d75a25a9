"""Machines of our own: network namespaces with two cables each, one to the database and one to the model."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """A namespace. Its cables end on this side at `database` and `model`, addresses of the host.

    Attributes:
        name: The namespace's name.
        n: Its number, which its addresses are made of.
    """

    name: str
    n: int

    @property
    def database(self) -> str:
        """The host's address at the cable to the database."""
        return f"10.213.{self.n}.1"

    @property
    def model(self) -> str:
        """The host's address at the cable to the model."""
        return f"10.214.{self.n}.1"

    def command(self, *words: str) -> list[str]:
        """Return what runs a command on this machine."""
        return ["ip", "netns", "exec", self.name, *words]

    def cut(self) -> None:
        """Pull the cable to the database."""
        _ip("link", "set", f"{self.name}d", "down")

    def mend(self) -> None:
        """Put it back."""
        _ip("link", "set", f"{self.name}d", "up")


def why_not() -> str:
    """Say why there can be no machines here; empty if there can."""
    if shutil.which("ip") is None:
        return "there is no `ip` (apt-get install iproute2)"
    try:
        with machines(1):
            return ""
    except (subprocess.CalledProcessError, OSError) as error:
        return f"network namespaces are not permitted here ({error})"


@contextmanager
def machines(n: int) -> Iterator[Sequence[Machine]]:
    """Give machines, and take them away."""
    made = [Machine(f"vl{os.getpid() % 10**6}{chr(97 + i)}", i) for i in range(n)]
    try:
        for machine in made:
            _make(machine)
        yield made
    finally:
        for machine in made:
            with suppress(subprocess.CalledProcessError, OSError):
                _ip("netns", "del", machine.name)  # and with it its ends of the cables
            for end in "dm":
                with suppress(subprocess.CalledProcessError, OSError):
                    _ip("link", "del", f"{machine.name}{end}")


def _make(machine: Machine) -> None:
    _ip("netns", "add", machine.name)
    _ip("-n", machine.name, "link", "set", "lo", "up")
    for end, net in (("d", "213"), ("m", "214")):
        here, there = f"{machine.name}{end}", f"{machine.name}{end}0"
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", machine.name)
        _ip("addr", "add", f"10.{net}.{machine.n}.1/24", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", machine.name, "addr", "add", f"10.{net}.{machine.n}.2/24", "dev", there)
        _ip("-n", machine.name, "link", "set", there, "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=120)
