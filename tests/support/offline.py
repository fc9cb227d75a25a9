"""A plugin of pytest for runs that may not connect: `-p support.offline`."""

from __future__ import annotations

import socket


def refuse(*_: object) -> None:
    """Stand in for `socket.connect`."""
    raise AssertionError("a socket was connected in replay")


socket.socket.connect = socket.socket.connect_ex = refuse  # type: ignore[method-assign,assignment]
