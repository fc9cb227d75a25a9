"""How much the units of a hypothesis vary: what a plan of pairs or scores needs to know, and who knows it."""

from __future__ import annotations

import statistics
from typing import NamedTuple

import pytest

from pytest_velo.baselines.written import claim_of
from pytest_velo.claims import Joint, Statistic
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.session import VeloSession
from pytest_velo.records import UnitKind
from pytest_velo.report.chosen import Before, values_of
from pytest_velo.report.earlier import last_of
from pytest_velo.report.numbers import count, percent
from pytest_velo.runner.frame import Frame
from pytest_velo.stats.planning.scenarios import Spread

DIFFER_SAYS = "as --differ says"
_FEWEST = 10
"""Units that tell how much they vary: of fewer a plan would promise too much."""


class Known(NamedTuple):
    """A spread, if one is known, and where it is from, in words; or what to say of it to be told."""

    spread: Spread | None
    told: str


def spread_of(item: pytest.Item, session: VeloSession, frame: Frame, differ: float | None) -> Known:
    """Return what is known of the spread of an item's units; nothing to say where no plan needs it.

    The user may say how often the arms of a pair differ; otherwise the record of the last run may tell.
    """
    claim = item.stash[SPEC].claim
    statistic = claim.statistics[0]
    needed = frame.unit in (UnitKind.TRIAL, UnitKind.PAIR) and (statistic.arms or not statistic.binary)
    if isinstance(claim, Joint) or not needed:
        return Known(None, "")
    pairs = bool(statistic.arms) and statistic.binary
    if pairs and differ is not None:
        told = f"the arms differ in {percent(differ)} of pairs"
        return Known(Spread(differ=differ, told=told), f"{told}, {DIFFER_SAYS}")
    last = last_of(item.nodeid, session.settings.cache_dir)
    values = [] if last is None else _recorded(last, statistic)
    if last is not None and len(values) >= _FEWEST:
        return _pairs_of(last, values) if pairs else _scores_of(last, values, statistic)
    return Known(None, _ASKED_OF_PAIRS if pairs else _ASKED_OF_SCORES)


_ASKED_OF_PAIRS = (
    "how often do the two arms differ on the same case? It is not known, so the table is for the worst case:"
    " always. If you expect one pair in five, say --differ=0.2; after a first run its record tells"
)
_ASKED_OF_SCORES = (
    "how much do outcomes vary? It is not known, so the table is for the worst case: each is at an end of the"
    " range. After a first run its record tells"
)


def _recorded(last: Before, statistic: Statistic) -> list[float]:
    """Return the values of a record that is about the same statistic; none of another."""
    claim = claim_of(last.result.claim)
    if last.result.stubs:  # what is made up tells nothing of the real thing
        return []
    if claim is None or claim.statistics != (statistic,):
        return []
    try:
        return values_of(statistic, last.result)
    except (KeyError, ValueError):
        return []


def _pairs_of(last: Before, values: list[float]) -> Known:
    n = sum(value != 0 for value in values)
    told = f"the arms differ as in run {last.run}: in {n:,} of {count(len(values), 'pair')}"
    share = max(n, 1) / len(values)  # none so far does not mean never
    return Known(Spread(differ=share, told=told), f"{told} (--differ= plans for another share)")


def _scores_of(last: Before, values: list[float], statistic: Statistic) -> Known:
    deviation = max(statistics.stdev(values), 0.01 * statistic.outcomes.span)
    things = "pair" if statistic.arms else "outcome"
    where = f"that of {count(len(values), things)} of run {last.run}"
    told = f"the standard deviation of {things}s is {deviation:.3g}, {where}"
    return Known(Spread(deviation=deviation, told=told), told)
