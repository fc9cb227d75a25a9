"""Claims that a rate lies between two ends, exactly, over the two-edge bound of `within.py`."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import binom
from within import GRID, fixed_n, two_edge_bound

from compared.habits import Ends, Verdicts, observed, peeked
from compared.kinds import ALPHA, FIXED, OBSERVED, OURS, PATIENT, PEEKING, POWER, Cell, Kind, Law
from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import (
    OperatingCharacteristics,
    law_with_futility,
    operating_characteristics,
)
from pytest_velo.stats.rules.rate import make_rate_rule

MAX_TRIALS = 2_000
"""Near an end a range takes more than 1,000."""


def ranges(grid: Sequence[tuple[float, float, float]] = GRID) -> Kind:
    """Compute the grid of `within.py`, or some of it; a minute or two, which the bounds take."""
    cells = [_cell(Ends(low, high), truth) for low, high, truth in grid]
    return Kind(name="rate.within(a, b)", least="the two-edge bound", runs=0, cells=cells)


def _cell(ends: Ends, truth: float) -> Cell:
    assert ends.low is not None
    assert ends.high is not None
    rule = make_rate_rule(
        rate.within(ends.low, ends.high), Design(alpha=ALPHA, beta=ALPHA, max_units=MAX_TRIALS)
    )
    at = (truth, ends.low, ends.high)
    ways: dict[str, list[Verdicts]] = {
        OURS: [_verdicts(law) for law in law_with_futility(rule, usual_futility(MAX_TRIALS))(at)],
        PATIENT: [_verdicts(law) for law in operating_characteristics(rule, at)],
        OBSERVED: [observed(each, ends) for each in at],
        PEEKING: [peeked(each, ends, MAX_TRIALS) for each in at],
    }
    laws = {way: Law(trials=found[0].trials, right=found[0].supported) for way, found in ways.items()}
    wrong = {way: max(max(found[:2]) for found in laws_[1:]) for way, laws_ in ways.items()}
    if fixed := fixed_n(truth, ends.low, ends.high):
        laws[FIXED] = Law(trials=fixed, right=POWER)
        wrong[FIXED] = _size(fixed, ends.low, ends.high)
    return Cell(
        claim=f"within({ends.low:g}, {ends.high:g})",
        truth=f"{truth:g}",
        least=two_edge_bound(truth, ends.low, ends.high),
        laws=laws,
        wrong=wrong,
    )


def _verdicts(law: OperatingCharacteristics) -> Verdicts:
    return Verdicts(law.supported, law.refuted, law.mean_n)


def _size(n: int, low: float, high: float) -> float:
    """Return P("equivalent") of the test of fixed n at the worse one of both ends."""
    least = binom.isf(ALPHA, n, low) + 1.0
    most = binom.ppf(ALPHA, n, high)
    most = most if binom.cdf(most, n, high) <= ALPHA else most - 1.0
    return max(float(binom.cdf(most, n, end) - binom.cdf(least - 1.0, n, end)) for end in (low, high))
