"""Frames over two pipes: how a worker's process talks to the relay."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from pytest_velo.shards.relay import LENGTH


class Pipes:
    """Both ends of one process. Any thread may write; one thread reads."""

    def __init__(self, inward: int, outward: int) -> None:
        self._inward = os.fdopen(inward, "rb")
        self._outward = outward
        self._lock = threading.Lock()

    @classmethod
    def of_this_process(cls) -> Pipes:
        """Take over the standard streams; what the process prints goes where its errors go."""
        inward, outward = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return cls(inward, outward)

    def read(self) -> bytes | None:
        """Return the next frame; None at the end."""
        head = self._inward.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack(head)
        frame = self._inward.read(length)
        return frame if len(frame) == length else None

    def write(self, frame: bytes) -> None:
        """Write a frame whole; once nobody reads, it is lost, and the end is near."""
        data = memoryview(LENGTH.pack(len(frame)) + frame)
        with self._lock, suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._outward, data) :]
