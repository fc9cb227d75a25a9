"""Ctrl-C while a session ends."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from pytest_velo.integration.leaving import Leaving


class Other:
    """Another plugin, to whose hook something happens."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self.pytest_sessionfinish = happens


def end(hurry: Callable[[], None], happens: Callable[[], None]) -> None:
    """End a session in which this happens."""
    plugins = pytest.PytestPluginManager()
    plugins.register(Other(happens))
    plugins.register(Leaving(hurry))
    plugins.hook.pytest_sessionfinish(session=None, exitstatus=0)


def test_the_first_ctrl_c_hurries_the_end_and_the_second_breaks_it_off() -> None:
    told: list[str] = []
    usual = signal.getsignal(signal.SIGINT)

    def happens() -> None:
        signal.raise_signal(signal.SIGINT)
        assert told == ["hurry"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    end(lambda: told.append("hurry"), happens)
    assert told == ["hurry"]
    assert signal.getsignal(signal.SIGINT) is usual


def test_a_handler_of_the_users_own_stays() -> None:
    caught: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    try:
        end(lambda: caught.append(0), lambda: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, usual)
    assert caught == [signal.SIGINT]
