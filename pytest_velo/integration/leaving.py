"""Ctrl-C and the end of a process: what is known is written, and bodies that do not end are left behind."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import suppress

import pytest

_GRACE_S = 0.5


class Leaving:
    """Lets the first Ctrl-C hurry the end of a session instead of breaking it off; a second one does.

    One that met a hook of any plugin would end what comes after it, too: pytest's summary and the run record.
    """

    def __init__(self, hurry: Callable[[], None]) -> None:
        self._hurry = hurry

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Handle Ctrl-C while the hooks of all plugins run."""
        usual = signal.getsignal(signal.SIGINT)
        if (
            usual is not signal.default_int_handler
            or threading.current_thread() is not threading.main_thread()
        ):
            return (yield)

        def once(_signal: int, _frame: object) -> None:
            signal.signal(signal.SIGINT, usual)
            self._hurry()

        signal.signal(signal.SIGINT, once)
        try:
            return (yield)
        finally:
            signal.signal(signal.SIGINT, usual)


def leave_with(exit_code: int) -> None:
    """End the process soon after its main thread.

    Python waits at its end for every thread that is no daemon, which those of `asyncio.to_thread`, of anyio
    and of users are not. Where they end in time, nothing is cut short.
    """
    ending, ended = threading.Event(), threading.Event()
    # As `concurrent.futures` does, to be called before it joins its threads.
    threading._register_atexit(ending.set)  # type: ignore[attr-defined]
    atexit.register(ended.set)  # runs once all those threads have ended
    watch = threading.Thread(target=_watch, args=(exit_code, ending, ended), name="velo-leaving", daemon=True)
    watch.start()


def _watch(exit_code: int, ending: threading.Event, ended: threading.Event) -> None:
    ending.wait()
    if ended.wait(_GRACE_S):
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(exit_code)
