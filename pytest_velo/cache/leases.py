"""Leases of draws: which process is making one, so that another waits for it instead of paying, too.

A lease is a lock on two bytes of an empty file beside the store, at a place that the draw's address gives.
The operating system ends it when its process ends, however that comes about; so no clock is compared between
processes, and a process that runs alone writes nothing. Draws that share a place by chance only wait for
each other. All processes are on one machine, as the store's write-ahead log demands.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pytest_velo.errors import StoreError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

BEAT_S = 5.0
"""How often a holder shows that it is alive."""

_N_PLACES = 2**30  # twice as many bytes: the most that all systems can lock


class Lease:
    """The right to make one draw; its holder lets go once the draw is stored, or has failed."""

    __slots__ = ("_let_go", "_place")

    def __init__(self, place: int, let_go: Callable[[int], None]) -> None:
        self._place = place
        self._let_go = let_go

    def release(self) -> None:
        """Let others have the draw."""
        self._let_go(self._place)


class Leases:
    """This process's leases in one file. They belong to one event loop, and to the process as a whole.

    The second byte of a lease is its pulse: it is locked and unlocked in turn for as long as the holder's
    event loop runs, so that a holder that hangs can be told from one that takes its time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._held: dict[int, bool] = {}  # place: whether its pulse is locked
        self._beating: asyncio.TimerHandle | None = None

    def take(self, digest: bytes) -> Lease | None:
        """Return the lease of a draw; None while it is held.

        Raises:
            StoreError: The file cannot be opened or locked.
        """
        place = _place_of(digest)
        if place in self._held or not self._lock(2 * place):
            return None
        self._held[place] = False
        if self._beating is None:
            self._beating = asyncio.get_running_loop().call_later(BEAT_S, self._beat)
        return Lease(place, self._let_go)

    def pulse(self, digest: bytes) -> bool:
        """Return a value that changes while the holder of a lease is alive."""
        byte = 2 * _place_of(digest) + 1
        if not self._lock(byte):
            return True
        self._unlock(byte)
        return False

    def close(self) -> None:
        """Let go of all leases. Safe to call twice."""
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._held.clear()

    def _let_go(self, place: int) -> None:
        if self._held.pop(place, None):
            self._unlock(2 * place + 1)
        if self._file is not None:
            self._unlock(2 * place)

    def _beat(self) -> None:
        for place, locked in self._held.items():
            byte = 2 * place + 1
            if locked:
                self._unlock(byte)
                self._held[place] = False
            else:
                self._held[place] = self._lock(byte)
        again = bool(self._held)
        self._beating = asyncio.get_running_loop().call_later(BEAT_S, self._beat) if again else None

    def _lock(self, byte: int) -> bool:
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            if sys.platform == "win32":
                os.lseek(self._file, byte, os.SEEK_SET)
                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError) as error:
            if self._file is None:
                raise self._unusable(error) from None
            return False
        except OSError as error:
            raise self._unusable(error) from None
        return True

    def _unlock(self, byte: int) -> None:
        assert self._file is not None  # it was opened to lock the byte
        if sys.platform == "win32":
            os.lseek(self._file, byte, os.SEEK_SET)
            msvcrt.locking(self._file, msvcrt.LK_UNLCK, 1)
        else:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)

    def _unusable(self, error: OSError) -> StoreError:
        return StoreError(
            f"the file of leases cannot be opened or locked: {error.strerror or error}",
            where=str(self.path),
            fix="make it readable and writable, or choose another folder with --velo-cache-dir",
        )


def _place_of(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big") % _N_PLACES
