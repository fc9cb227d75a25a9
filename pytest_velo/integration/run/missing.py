"""Which draws an item still needs, as far as that is known without a reply: its bodies run on what is stored.

A trial is followed up to its first call that is not stored; calls that a body makes at the same time are all
found. What comes after a reply is found once that reply is there.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from pytest_velo.batches.entry import Wanted
from pytest_velo.case_sets import Planned
from pytest_velo.designing.loading import load_what_the_loop_needs
from pytest_velo.errors import NotDrawnError
from pytest_velo.integration.baseline.guard import guard_of
from pytest_velo.integration.collect.reach import check_drawn
from pytest_velo.integration.collect.stash import FACTS, SPEC
from pytest_velo.integration.run.capture import Backstage, backstage
from pytest_velo.integration.run.draws import on_its_draws
from pytest_velo.integration.run.hypothesis import build
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.run.outlook import likely
from pytest_velo.integration.run.price import asks_a_model
from pytest_velo.integration.session import VeloSession
from pytest_velo.providers.registry import Target
from pytest_velo.records import Address, Request, Slot
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.run import Run
from pytest_velo.runner.trials import TrialRunner
from pytest_velo.sampling.drawing import Drawer, Drawing

T = TypeVar("T")

FEWEST_AHEAD = 20
"""Trials of a wave, at least: each wave may take a day, and a few draws cost little."""

_ROUNDS = 50  # of the event loop, in which calls that a body makes at once are all made


@dataclass(slots=True, kw_only=True)
class Missing:
    """What an item needs next.

    Attributes:
        wanted: Draws that would be paid for, in the order of their trials.
        n_free: Draws of models that cost nothing: they are made when the test runs.
        n_trials: Trials that were looked at beyond those that are whole.
    """

    wanted: list[Wanted] = field(default_factory=list)
    n_free: int = 0
    n_trials: int = 0


def missing_of(
    item: pytest.Function, session: VeloSession, *, fixtures: Mapping[str, Any], whole: bool = False
) -> Missing:
    """Return the draws that an item's next wave of trials needs; nothing where its verdict is in the cache.

    Args:
        item: The test, prepared.
        session: Its session; nothing is paid for here, whatever the session may.
        fixtures: The values of the item's arguments.
        whole: Look at all trials up to the horizon, not only at those that the verdict will likely take.

    Raises:
        UsageError: The design, or the stored baseline, is at fault.
        BaseException: What a body raised.
    """
    if not asks_a_model(item):
        return Missing()
    settings = session.settings
    load_what_the_loop_needs(item.stash[SPEC], settings)
    check_drawn(item, settings)
    outcomes = HostOutcomes(item.stash[FACTS], item.stash[SPEC].claim, item.path.parent)
    hypothesis = build(
        item, settings, outcomes, may_pay=False, in_order=session.in_order(), fixtures=fixtures
    )
    guard = guard_of(item, session, hypothesis)
    if guard is not None:
        if guard.hypothesis is None:
            return Missing()
        hypothesis = guard.hypothesis
    if guard is None or guard.is_look:
        hypothesis = on_its_draws(item, session, hypothesis)
    run = Run(hypothesis, session.sampler, session.loop)
    session.loop.run(_unheard(run.go()))
    if run.error is None:
        return Missing()
    if not isinstance(run.error, NotDrawnError):
        raise run.error
    planned = run.to_come()
    n_ahead = len(planned) if whole else _ahead(run, len(planned), item.stash[SPEC].get("expect"))
    scan = _scan(hypothesis, planned[:n_ahead], session)
    return session.loop.run(_unheard(scan))


def _ahead(run: Run, left: int, expect: float | None) -> int:
    """Return how many trials the next wave looks at: as many as the verdict will likely take."""
    hypothesis = run.hypothesis
    size = hypothesis.frame.unit_size
    if hypothesis.accepts is not None and not run.trials:
        return size  # the others wait until the first is accepted
    if hypothesis.to_the_end:
        return left
    n_likely, _ = likely(run, left, expect)
    if n_likely is None:
        n_likely = run.weigher.expected_more() * size
    n = max(math.ceil(n_likely), run.weigher.min_more() * size, FEWEST_AHEAD)
    return min(left, math.ceil(n / size) * size)


async def _scan(hypothesis: Hypothesis, planned: list[Planned], session: VeloSession) -> Missing:
    """Run trials, as many at once as the hypothesis allows, each up to what it misses."""
    places = asyncio.Semaphore(hypothesis.limit)
    finders = [_Finder(session.sampler, hypothesis.seed) for _ in planned]

    async def one(each: Planned, finder: _Finder) -> None:
        async with places:
            await TrialRunner(hypothesis, finder, session.loop).run(each)

    await asyncio.gather(*(one(each, finder) for each, finder in zip(planned, finders, strict=True)))
    found = [wanted for finder in finders for wanted in finder.found]
    paid = [wanted for wanted in found if not wanted.target.endpoint.free]
    return Missing(wanted=paid, n_free=len(found) - len(paid), n_trials=len(planned))


async def _unheard(work: Coroutine[Any, Any, T]) -> T:
    """Run bodies whose output is not shown: they run again when the test is sampled."""
    backstage.set(Backstage(lambda *_: None))
    return await work


class _Finder:
    """Reads the draws of one trial, and notes those that are not stored.

    The first of them ends the trial, once the calls that were made at the same time have been noted. A body
    that catches the error and goes on asks for something else than it would after a reply.
    """

    def __init__(self, reader: Drawer, seed: int) -> None:
        self.found: list[Wanted] = []
        self._reader = reader
        self._seed = seed
        self._has_ended = False

    async def draw(
        self, target: Target, request: Request, *, key: str, slot: Slot, stream: str, may_pay: bool
    ) -> Drawing:
        """Return a stored draw.

        Raises:
            NotDrawnError: It is not stored.
        """
        del may_pay
        try:
            return await self._reader.draw(target, request, key=key, slot=slot, stream=stream, may_pay=False)
        except NotDrawnError:
            if not self._has_ended:
                address = Address(key=key, seed=self._seed, stream=stream, slot=str(slot))
                self.found.append(Wanted(target=target, request=request, address=address))
                for _ in range(_ROUNDS):
                    await asyncio.sleep(0)
            self._has_ended = True
            raise
