"""Waiting for what another process or thread does, where it sends no event."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

AT_MOST_S = 300.0
"""Against what never comes: no property of the code."""


def settled(read: Callable[[], T], wanted: T) -> T:
    """Return what is read once it is as wanted; what was read last if it never is."""
    pause, ends_at = threading.Event(), time.monotonic() + AT_MOST_S
    while (value := read()) != wanted and time.monotonic() < ends_at:
        pause.wait(0.02)
    return value
