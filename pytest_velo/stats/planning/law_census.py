"""The exact law of a census: recorded outcomes seen in random order, each once.

Loaded on use: it needs numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_velo.claims import Claim
from pytest_velo.stats.engine.arrays import Flags, Floats
from pytest_velo.stats.engine.barrier import Barrier
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import Futility
from pytest_velo.stats.engine.mixture import Side
from pytest_velo.stats.exact.chances import chances_of
from pytest_velo.stats.exact.law import unfold
from pytest_velo.stats.one_sided.census import CensusTest, EitherCount
from pytest_velo.stats.planning.law import Law
from pytest_velo.stats.planning.operating import OperatingCharacteristics
from pytest_velo.stats.rules.census import census_tests


def census_law(claim: Claim, design: Design, futility: Futility) -> Law:
    """Return the law of a census in a run that stops early.

    A truth is the share of ones in the list; one between two counts is rounded to the nearer. With
    `min_units` both tests may have rejected by the first possible verdict; this takes the one that did so
    first. For `within`, the run gives up slightly later than this assumes.
    """
    assert design.census is not None  # it is a census
    size, min_units = design.census, design.min_units
    horizon = min(size, design.max_units)
    tests, ends = census_tests(claim, design)
    support = [_barrier(test, test.side) for test in tests]
    refute = [
        _barrier(ends[0] if len(ends) == 1 else EitherCount(ends, design.beta), end.side) for end in ends
    ]
    looks = futility.looks(horizon, min_units)
    ours, theirs = ([_alone(test, horizon, looks) for test in side] for side in (tests, ends))
    hopeless = {units: _hopeless(ours, theirs, units, futility.below) for units in looks}

    def law(truths: Sequence[float]) -> list[OperatingCharacteristics]:
        counts = np.array([round(truth * size) for truth in truths])[:, None]
        steps = list(
            unfold(
                support,
                refute,
                steps=horizon,
                first_look=1,
                chance=lambda units: np.clip((counts - np.arange(units + 1)) / (size - units), 0.0, 1.0),
                give_up=lambda units: hopeless.get(units, {}),
            )
        )
        last = steps[-1]
        mean_n = min_units + last.mean_units - steps[min_units - 1].mean_units
        columns = (counts[:, 0] / size, last.supported, last.refuted, mean_n)
        return [
            OperatingCharacteristics(truth=float(t), supported=float(s), refuted=float(r), mean_n=float(n))
            for t, s, r, n in zip(*columns, strict=True)
        ]

    return law


def _barrier(test: CensusTest | EitherCount, side: Side) -> Barrier:
    return Barrier(side, test.ahead, test.log_threshold)


def _alone(test: CensusTest, horizon: int, looks: range) -> dict[int, Floats]:
    """Return the chance that one test alone rejects by the horizon, as estimated at each look."""
    chances = chances_of([_barrier(test, test.side)], [], horizon=horizon, first_look=1, looks=looks)
    return {units: states[0] for units, states in chances.items()}


def _hopeless(
    ours: Sequence[dict[int, Floats]], theirs: Sequence[dict[int, Floats]], units: int, below: float
) -> dict[int, Flags]:
    """Return where a run gives up at a look: the chances of the tests, each by itself, are too small."""
    against = np.sum([chances[units] for chances in theirs], axis=0)
    hopeless = {}
    for latched in range((1 << len(ours)) - 1):
        left = [chances[units] for place, chances in enumerate(ours) if not latched >> place & 1]
        hopeless[latched] = np.min(left, axis=0) + against < below
    return hopeless
