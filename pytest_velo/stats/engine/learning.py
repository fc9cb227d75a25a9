"""Centres that are learned: what the earlier outcomes of its case foresee of an outcome.

Every unit picks one case of a list, each with a known chance, and its outcome comes around that case's own
mean. How the means differ is not known before the sampling, but when a case is picked again its earlier
outcomes tell of it. So before each unit every case has a number, made of earlier units alone: the mean of its
outcomes so far, drawn to the mean of all. Its average over the list is then known, too, and that is all that
`engine.centred` asks of a centre: each factor ``1 + bet * (x - g - t)`` has an expectation of
``1 + bet * (mean of x - t)`` given all earlier units. The numbers may be right or wrong. What they get right
is variance that the evidence no longer has: with every case known, only that of a case's own draws is left.

Cases may be of kinds, which are then learned instead of the cases; a kind is picked with its share of the
list. How much a mean is drawn to the mean of all goes by how much outcomes vary within a kind and in all, as
in one-way analysis of variance, begun by `PRIOR_PAIRS` pseudo-units within kinds that show half of the
variance of all. While all outcomes are the same, nothing is foreseen.

Going through the list in blocks without replacement takes the luck of the pick away, too. But only whole
blocks are evidence of the mean of the list, and a verdict must wait for their ends; ``benchmarks/blocks.py``
measures both.

Source of the form: a plug-in e-process. James & Stein (1961) and Efron & Morris (1975) draw means together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

PRIOR_PAIRS = 8.0
"""Pseudo-units within kinds; they set how soon what is seen counts, and never enter the evidence."""

PRIOR_WITHIN = 0.5
"""The variance within kinds that they show, as a share of that of all outcomes."""

UNTOLD = 1.5
"""Outcomes of a kind before which it is hardly told from others, for what is expected of learning.

By how much mean runs differ from what a plan says with it: ``tests/calibration/test_learned.py``.
"""

_ALIKE = 1e-12


class Centre(NamedTuple):
    """How far the next outcome is foreseen from the mean of the list, and how far any could have been."""

    own: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Learning:
    """What is known of learning before the first unit.

    Attributes:
        least_share: The smallest share of the list that a kind has, in (0, 1].
        n_kinds: How many kinds there are, >= 1.
        squared: The share of the variance that kinds are expected to explain once they are known, in [0, 1].
            No error rate depends on it.
    """

    least_share: float
    n_kinds: int
    squared: float

    def explained(self, n_units: float) -> float:
        """Return the share of the variance that learning should explain, on average over a run."""
        if self.squared <= 0.0 or n_units <= 0.0:
            return 0.0
        visits = n_units / self.n_kinds
        pull = (1.0 - self.squared) / self.squared + UNTOLD
        return self.squared * (1.0 - pull / visits * math.log1p(visits / pull))


class Learner:
    """Learns what kinds of cases come out as, unit by unit.

    Attributes:
        n: Units so far.
    """

    __slots__ = ("_freedom", "_kinds", "_now", "_squares", "_sum", "_within", "n")

    def __init__(self) -> None:
        self.n = 0
        self._sum = 0.0
        self._squares = 0.0
        self._within = 0.0
        self._freedom = 0
        self._now: tuple[dict[str, float], float, float, float] | None = None
        self._kinds: dict[str, tuple[float, int, float]] = {}

    def foresee(self, kind: str) -> Centre:
        """Return the centre of the next unit, whose case is of this kind; it is between -1 and 1."""
        if self._now is None:
            self._now = self._all_aways()
        aways, known, low, high = self._now
        return Centre(aways.get(kind, 0.0) - known, low - known, high - known)

    def _all_aways(self) -> tuple[dict[str, float], float, float, float]:
        """Return how far each kind is foreseen from the mean of all, their average over the list, and ends.

        A kind that did not come up is at the mean of all.
        """
        pull = self._pull()
        if pull is None:
            return {}, 0.0, 0.0, 0.0
        mean = self._sum / self.n
        aways = {name: (total - n * mean) / (pull + n) for name, (_, n, total) in self._kinds.items()}
        known = sum([share * aways[name] for name, (share, _, _) in self._kinds.items()])
        return aways, known, min(0.0, *aways.values()), max(0.0, *aways.values())

    def learn(self, kind: str, share: float, outcome: float) -> None:
        """Take in a unit: its kind, the kind's share of the list, and its outcome in [0, 1]."""
        _, n, total = self._kinds.get(kind, (share, 0, 0.0))
        if n:
            self._within += (outcome - total / n) * (outcome - (total + outcome) / (n + 1))
            self._freedom += 1
        self._kinds[kind] = share, n + 1, total + outcome
        self._now = None
        self.n += 1
        self._sum += outcome
        self._squares += outcome * outcome

    def _pull(self) -> float | None:
        """Return for how many outcomes of a kind the mean of all counts; None if for endlessly many."""
        if self.n < 2:
            return None
        mean = self._sum / self.n
        variance = self._squares / self.n - mean * mean
        if variance <= _ALIKE:
            return None
        begun = PRIOR_PAIRS * PRIOR_WITHIN * variance
        within = (self._within + begun) / ((self._freedom + PRIOR_PAIRS) * variance)
        return within / (1.0 - within) if within < 1.0 else None
