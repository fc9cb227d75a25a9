"""The ladder of an item: its rungs, checked before a call, and the one that is sampled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_velo.designing.rungs import same_judge
from pytest_velo.elicit.ladders import Step
from pytest_velo.integration.collect.fixture_names import ours_in
from pytest_velo.integration.collect.frame import case_set
from pytest_velo.integration.collect.stash import FRAME, FUNCTION, SPEC, STEP
from pytest_velo.integration.compat import fixture_info
from pytest_velo.settings import Settings


def steps_of(item: pytest.Item) -> tuple[Step, ...]:
    """Return the rungs of an item that can be sampled, in their order; none without a ladder.

    Raises:
        UsageError: The examples of one cannot be read.
    """
    ladder = item.stash[SPEC].ladder
    return () if ladder is None else ladder.steps(item.path.parent)


def stand_on(item: pytest.Item, step: Step) -> None:
    """Make a rung the one whose frame and hypothesis are made of an item."""
    item.stash[STEP] = step
    if FRAME in item.stash:
        del item.stash[FRAME]


@contextmanager
def least_share(item: pytest.Item) -> Iterator[None]:
    """Stand on the rung with the least share of alpha, which is the first that is out of reach."""
    standing, steps = item.stash.get(STEP, None), steps_of(item)
    if standing is None or not steps:
        yield
        return
    stand_on(item, min(steps, key=lambda step: step.share))
    try:
        yield
    finally:
        stand_on(item, standing)


def check_ladder(item: pytest.Item, settings: Settings) -> None:
    """Check the rungs of an item against its cases.

    Raises:
        UsageError: One cannot be used with them.
    """
    ladder = item.stash[SPEC].ladder
    if ladder is not None:
        ladder.check(case_set(item, settings), item.path.parent)


def notices_of(item: pytest.Item, step: Step) -> tuple[str, ...]:
    """Return what the reader of a rung's verdict should know from the start."""
    told = list(step.rung.check(None, item.path.parent))
    uses = tuple(ours_in(fixture_info(item)))
    if told_of_judge := same_judge(step.rung, item.stash[FUNCTION], uses):
        told.append(told_of_judge)
    return tuple(told)


def notices_of_all(item: pytest.Item, settings: Settings) -> tuple[str, ...]:
    """Return what the reader of a ladder's verdict should know of it as a whole."""
    ladder = item.stash[SPEC].ladder
    told = [] if ladder is None else [*ladder.order_notices(item.path.parent)]
    if settings.workers_at is not None:
        told.append("trials of a ladder run in this process: workers know no rungs")
    return tuple(told)
