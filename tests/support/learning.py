"""`stats.engine.learning` for many runs at once, with whoever decides what the next outcome is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pytest_velo.stats.engine.learning import PRIOR_PAIRS, PRIOR_WITHIN

Array = npt.NDArray[Any]


@dataclass
class Learners:
    """A learner for each run; kinds are numbered, and each has its share of the list."""

    n_runs: int
    shares: Array
    n: int = 0
    counts: Array = field(init=False)
    sums: Array = field(init=False)
    squares: Array = field(init=False)
    within: Array = field(init=False)
    freedom: Array = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros((self.n_runs, len(self.shares)))
        self.sums = np.zeros_like(self.counts)
        self.squares, self.within, self.freedom = np.zeros((3, self.n_runs))

    def centres(self) -> Array:
        """Return the centre of each kind in each run, and last of a kind that never came up."""
        mean = self.sums.sum(axis=1) / max(self.n, 1)
        variance = self.squares / max(self.n, 1) - mean**2
        told = (variance > 1e-12) & (self.n > 1)
        safe = np.where(told, variance, 1.0)
        within = (self.within + PRIOR_PAIRS * PRIOR_WITHIN * safe) / ((self.freedom + PRIOR_PAIRS) * safe)
        told &= within < 1.0
        pull = np.where(told, within / np.where(told, 1.0 - within, 1.0), 1.0)[:, None]
        aways = (self.sums - self.counts * mean[:, None]) / (pull + self.counts) * told[:, None]
        known = (aways * self.shares).sum(axis=1, keepdims=True)
        return np.column_stack([aways, np.zeros(self.n_runs)]) - known

    def learn(self, kinds: Array, outcomes: Array) -> None:
        """Take in a unit of each run."""
        rows = np.arange(self.n_runs)
        count, total = self.counts[rows, kinds], self.sums[rows, kinds]
        seen = count > 0
        before = outcomes - total / np.where(seen, count, 1.0)
        after = outcomes - (total + outcomes) / (count + 1.0)
        self.within += np.where(seen, before * after, 0.0)
        self.freedom += seen
        self.counts[rows, kinds] += 1.0
        self.sums[rows, kinds] += outcomes
        self.squares += outcomes**2
        self.n += 1


@dataclass(frozen=True)
class Paths:
    """What happened, shape (runs, n): kinds, outcomes, centres, and between what all centres lay."""

    kinds: Array
    outcomes: Array
    centres: Array
    lows: Array
    highs: Array


Means = Callable[[Array], Array]
"""Gives the mean of each kind now, of shape (runs, kinds), of the centres that are foreseen of them."""


def paths(
    rng: np.random.Generator,
    shares: Sequence[float],
    means: Means,
    n_runs: int,
    n: int,
    *,
    scores: bool = False,
) -> Paths:
    """Return seeded runs; of scores, an outcome is the mean itself."""
    weights = np.asarray(shares)
    learners, columns = Learners(n_runs, weights), []
    rows = np.arange(n_runs)
    for _ in range(n):
        kinds = rng.choice(len(weights), size=n_runs, p=weights)
        centres = learners.centres()
        now = means(centres[:, :-1])[rows, kinds]
        outcomes = now if scores else (rng.random(n_runs) < now).astype(float)
        columns.append((kinds, outcomes, centres[rows, kinds], centres.min(axis=1), centres.max(axis=1)))
        learners.learn(kinds, outcomes)
    return Paths(*(np.column_stack(column) for column in zip(*columns, strict=True)))
