"""Work on the sampling loop that a thread waits for, and how the waiting ends early."""

from __future__ import annotations

import asyncio

import pytest

from pytest_velo.errors import StoppedError
from pytest_velo.sampling.jobs import run_body, stopped


def test_a_body_that_raises_stop_iteration_is_an_error() -> None:
    async def run(func):
        outcome = asyncio.get_running_loop().create_future()
        tell = await asyncio.to_thread(run_body, func, asyncio.get_running_loop(), outcome)
        tell()
        return await outcome

    assert asyncio.run(run(lambda: 2 + 2)) == 4
    with pytest.raises(RuntimeError, match="the body raised StopIteration"):
        asyncio.run(run(lambda: next(iter([]))))


def test_stopped_is_an_error() -> None:
    with pytest.raises(StoppedError) as caught:
        raise stopped()
    assert caught.value.what == "sampling was stopped"
