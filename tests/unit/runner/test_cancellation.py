"""Ending the tasks of trials."""

from __future__ import annotations

import asyncio

from pytest_velo.runner.cancellation import cancel_all


def test_cancel_all_waits_for_the_tasks() -> None:
    async def cancelled():
        task = asyncio.create_task(asyncio.sleep(3600))
        resisting = await cancel_all([task])
        return task.cancelled(), resisting

    assert asyncio.run(cancelled()) == (True, set())
