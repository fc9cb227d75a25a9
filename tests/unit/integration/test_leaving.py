"""Ctrl-C while a session ends."""

from __future__ import annotations

import signal

import pytest

from pytest_velo.integration.leaving import ending


def test_the_first_ctrl_c_hurries_the_end_and_the_second_breaks_it_off() -> None:
    told: list[str] = []
    usual = signal.getsignal(signal.SIGINT)
    with ending(lambda: told.append("hurry")):
        signal.raise_signal(signal.SIGINT)
        assert told == ["hurry"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert told == ["hurry"]
    assert signal.getsignal(signal.SIGINT) is usual


def test_a_handler_of_the_users_own_stays() -> None:
    caught: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    try:
        with ending(lambda: caught.append(0)):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert caught == [signal.SIGINT]
