"""Many runs sampled together: they share the calls in flight, and a policy picks the next trial."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextvars import Context, copy_context

from pytest_velo.runner.run import Run
from pytest_velo.scheduling.policies import Policy


class Pool:
    """Runs on the sampling loop, each its own task; the `Launcher` for all of them.

    Args:
        policy: Chooses whose trial is next.
        capacity: Maximum number of trials in flight in a lane.
        lane: Returns a run's lane: the runs of one endpoint share what may be in flight.
    """

    def __init__(self, policy: Policy, capacity: int, lane: Callable[[Run], Hashable]) -> None:
        self._policy = policy
        self._capacity = capacity
        self._lane = lane
        self._runs: list[Run] = []
        self._lanes: dict[int, Hashable] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._due = False
        self._closed = False
        self._broken: Exception | None = None

    def start(self, runs: Sequence[Run], contexts: Sequence[Context] | None = None) -> None:
        """Start sampling runs, in the order of their tests; on the loop.

        The runs were made with this pool as their launcher. `contexts` are the contexts of their bodies, by
        default the caller's.
        """
        self._runs.extend(runs)
        for position, run in enumerate(runs):
            self._lanes[id(run)] = self._lane(run)
            context = copy_context() if contexts is None else contexts[position]
            self._tasks[id(run)] = asyncio.create_task(run.go(), context=context)

    async def wait(self, run: Run) -> None:
        """Wait until a run has ended, for whatever reason, and forget it; its exception is raised."""
        task = self._tasks[id(run)]
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._broken is not None:
                raise self._broken from None
            raise
        finally:
            if task.done():  # run and task hold every trial: much memory in a session of many
                del self._tasks[id(run)], self._lanes[id(run)]
                self._runs = [other for other in self._runs if other is not run]

    async def stop(self, run: Run) -> None:
        """End one run early, with what it has."""
        await self._cancel([self._tasks[id(run)]])

    async def close(self) -> None:
        """End every run early, with what it has."""
        self._closed = True
        await self._cancel(list(self._tasks.values()))

    def ready(self, run: Run) -> None:
        """Launch at once what costs nothing; share out the rest at the end of this loop iteration.

        A run that has ended leaves its lane to others, even where it had more that costs nothing.
        """
        if run.is_known and run.stop is None:
            run.launch(run.wanted)
        elif not self._due and not self._closed:
            self._due = True
            asyncio.get_running_loop().call_soon(self._share_out)

    def _share_out(self) -> None:
        """Give trials to runs. Nobody awaits this: an error ends every run, or they would wait for ever."""
        self._due = False
        try:
            self._give()
        except Exception as error:
            self._broken, self._closed = error, True
            for task in self._tasks.values():
                task.cancel()

    def _give(self) -> None:
        """Give trials, one at a time, to the runs the policy chooses, while their lanes have room."""
        self._runs = [run for run in self._runs if run.stop is None]
        busy: Counter[Hashable] = Counter()
        for run in self._runs:
            busy[self._lanes[id(run)]] += run.n_in_flight
        full = {lane for lane, n in busy.items() if n >= self._capacity}
        waiting = [run for run in self._runs if self._lanes[id(run)] not in full and run.wanted > 0]
        while waiting:
            chosen = self._policy(waiting)
            before = chosen.n_launched
            chosen.launch(1)
            n_new = chosen.n_launched - before  # none where its plan turns out to be used up
            lane = self._lanes[id(chosen)]
            busy[lane] += n_new
            if busy[lane] >= self._capacity:
                waiting = [run for run in waiting if self._lanes[id(run)] != lane]
            elif not n_new or chosen.wanted <= 0:
                waiting.remove(chosen)

    @staticmethod
    async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def endpoint_of(run: Run) -> str:
    """Return the endpoint whose concurrency a run shares: the first part of its model's id."""
    return (run.hypothesis.model or "").split("/")[0]
