"""The traceback of an error in a body, cut to what its reader wrote or called."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from types import TracebackType
from typing import Any


def from_the_body(error: BaseException, function: Any) -> BaseException:
    """Return the error with its traceback cut to what its reader wrote or called.

    It begins where the test's code does, if it gets there, and leaves out the frames that only carry a call:
    ours, and those of asyncio and of futures between them.
    """
    code = getattr(function, "__code__", None)
    frames = list(_frames(error.__traceback__))
    inside = list(dropwhile(lambda trail: trail.tb_frame.f_code is not code, frames))
    shown = [trail for trail in inside or frames if not _only_carries(trail.tb_frame.f_code.co_filename)]
    trail = None
    for frame in reversed(shown):
        trail = TracebackType(trail, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return error if trail is None else error.with_traceback(trail)


def _frames(trail: TracebackType | None) -> Iterator[TracebackType]:
    while trail is not None:
        yield trail
        trail = trail.tb_next


def _only_carries(file: str) -> bool:
    return file.startswith(_CARRIERS)


_CARRIERS = (
    str(Path(__file__).parents[1]) + os.sep,
    *(str(Path(file).parent) + os.sep for file in (asyncio.__file__, concurrent.futures.__file__)),
)
