"""What a shared store answers to one who is about to make a draw, in plain values."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_velo.errors import StoreError


class AwayError(StoreError):
    """The shared store cannot be reached at the moment.

    Attributes:
        for_s: For how many seconds it could not.
    """

    def __init__(self, what: str, *, for_s: float = 0.0, where: str = "", fix: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.for_s = for_s


@dataclass(frozen=True, slots=True)
class Mine:
    """The draw is this process's to make, until its lease is released."""


@dataclass(frozen=True, slots=True)
class Found:
    """The draw is there, and was kept locally."""


@dataclass(frozen=True, slots=True)
class Held:
    """Another machine is making the draw."""

    host: str


@dataclass(frozen=True, slots=True)
class Unguarded:
    """Nobody is making the draw, and this user cannot take its lease: the store is only read."""


@dataclass(frozen=True, slots=True)
class Away:
    """The store cannot be reached, for so many seconds."""

    for_s: float


Answer = Mine | Found | Held | Unguarded | Away
