"""What a covariate turned out to say about the outcomes, unit by unit: descriptive, without an error rate."""

from __future__ import annotations

import math

from pytest_velo.claims import Statistic
from pytest_velo.records import CovariateSeen
from pytest_velo.runner.frame import Covariate, Foresight, Kinds
from pytest_velo.stats.engine.learning import Learner
from pytest_velo.stats.rules.centred import BREAK_EVEN

FEWEST = 10
"""Units from which a correlation is told; of fewer it says next to nothing."""


class Together:
    """How outcomes on the scale [0, 1] go with their centres, unit by unit."""

    def __init__(self) -> None:
        self._n = 0
        self._sums = [0.0] * 5

    def add(self, outcome: float, centre: float) -> None:
        """Take in a unit."""
        self._n += 1
        for place, value in enumerate((outcome, centre, outcome**2, centre**2, outcome * centre)):
            self._sums[place] += value

    @property
    def squared(self) -> float:
        """The squared correlation, less what chance gives on average; 0 of fewer than `FEWEST` units."""
        correlation = self.correlation
        if correlation is None:
            return 0.0
        return max(0.0, 1.0 - (1.0 - correlation**2) * (self._n - 1.0) / (self._n - 2.0))

    @property
    def correlation(self) -> float | None:
        """Of outcomes and centres; None of few units, or where one of them never varied."""
        if self._n < FEWEST:
            return None
        of_outcomes, of_centres, together = self._moments()
        if of_outcomes < _TINY or of_centres < _TINY:
            return None
        return max(-1.0, min(1.0, together / math.sqrt(of_outcomes * of_centres)))

    @property
    def adjusted(self) -> float | None:
        """The mean outcome at a centre of 0, on the scale [0, 1]; None likewise."""
        if self.correlation is None:
            return None
        _, of_centres, together = self._moments()
        return min(1.0, max(0.0, (self._sums[0] - together / of_centres * self._sums[1]) / self._n))

    def _moments(self) -> tuple[float, float, float]:
        n = self._n
        outcomes, centres, outcomes2, centres2, products = self._sums
        return (
            outcomes2 / n - (outcomes / n) ** 2,
            centres2 / n - (centres / n) ** 2,
            products / n - outcomes * centres / n**2,
        )


class Beside(Together):
    """Collects the centre of each unit beside its outcome on the scale [0, 1], and learns from it."""

    def __init__(self, foresight: Foresight) -> None:
        super().__init__()
        self._foresight = foresight
        self._learner = Learner()
        self._cases: dict[str, None] = {}

    @property
    def kinds(self) -> Kinds | None:
        """The kinds of the cases that came up, and their shares of the list; None if none are learned."""
        known = self._foresight
        if not isinstance(known, Kinds):
            return None
        of_cases = {case_id: known.of_cases[case_id] for case_id in self._cases}
        return Kinds(of_cases=of_cases, shares={kind: known.shares[kind] for kind in of_cases.values()})

    @property
    def seen(self) -> dict[str, float]:
        """The centres of the cases that came up, by the id of the case; learned ones as they are now."""
        return {case_id: self.foresee(case_id)[0] for case_id in self._cases}

    def foresee(self, case_id: str) -> tuple[float, tuple[float, float] | None]:
        """Return the centre of the next unit's case, and of a learned one between what all of them lie."""
        if not isinstance(self._foresight, Kinds):
            return self._foresight[case_id], None
        own, low, high = self._learner.foresee(self._foresight.of_cases[case_id])
        return own, (low, high)

    def add_unit(self, case_id: str, low: float, high: float) -> None:
        """Take in a unit by the bounds of its outcome; an invalid one counts with their middle."""
        centre, outcome = self.foresee(case_id)[0], (low + high) / 2.0
        if isinstance(self._foresight, Kinds):
            kind = self._foresight.of_cases[case_id]
            self._learner.learn(kind, self._foresight.shares[kind], outcome)
        self._cases[case_id] = None
        self.add(outcome, centre)


def seen_of(
    covariate: Covariate,
    beside: Beside,
    statistic: Statistic,
    *,
    used: bool,
    rival: bool,
    n: int,
    decided: bool,
) -> CovariateSeen:
    """Return what a run's record says of its covariate.

    `rival` tells that the claim has a calibrated rule without it.
    """
    adjusted, kinds = beside.adjusted, beside.kinds
    # A calibrated rule, where there is one, would have needed that much less than the bets without centres.
    without = n / (1.0 - min(beside.squared, _MOST)) * (1.0 - BREAK_EVEN if rival else 1.0)
    saved = round(without) - n if used and decided else None
    return CovariateSeen(
        name=covariate.name,
        used=used,
        expected=math.sqrt(covariate.explained),
        declared=covariate.declared,
        correlation=beside.correlation,
        adjusted=None if adjusted is None else statistic.scale.from_unit(adjusted),
        n_saved=saved,
        low=covariate.centring.low,
        high=covariate.centring.high,
        variance=covariate.centring.variance,
        centres=beside.seen,
        kinds=None if kinds is None else kinds.of_cases,
        shares=None if kinds is None else kinds.shares,
    )


_TINY = 1e-12
_MOST = 0.95
"""Beyond it the saving is more than twentyfold by the formula, which no run has shown."""
