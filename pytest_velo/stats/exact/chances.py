"""The chance of a verdict by the horizon, at every look and every number of ones, by backward induction."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.barrier import Barrier
from pytest_velo.stats.engine.design import PRIOR
from pytest_velo.stats.exact.boundary import Stretch, first_crossings, gains_at
from pytest_velo.stats.exact.law import follow

Chances = dict[int, Floats]
"""By latched tests for the claim (as bits): the chance for each number of ones."""


def chances_of(
    support: Sequence[Barrier],
    refute: Sequence[Barrier],
    *,
    horizon: int,
    first_look: int,
    looks: Collection[int],
    prior: float = PRIOR,
) -> dict[int, Chances]:
    """Return the chance of a verdict by the horizon at each of `looks`, under a beta prior on the rate.

    Args:
        support: Barriers that must all be crossed, each latched; at least one.
        refute: Barriers of which any one refutes.
        horizon: The last unit.
        first_look: No verdict comes before it; >= 1.
        looks: Numbers of units at which the chance is wanted.
        prior: Pseudo-ones, and as many pseudo-zeros, in the forecast of the next unit.
    """
    crossings = _crossings(support, refute, horizon, first_look)
    # On the way back from the horizon, where what is open stays open.
    chance = {latched: np.zeros(horizon + 1) for latched in range((1 << len(support)) - 1)}
    found: dict[int, Chances] = {}
    for units in range(horizon, 0, -1):
        if units in looks:
            found[units] = chance
        decided = _after_the_look(chance, *crossings[units - 1])
        ones = (np.arange(units) + prior) / (units - 1 + 2 * prior)
        chance = {latched: ones * ahead[1:] + (1.0 - ones) * ahead[:-1] for latched, ahead in decided.items()}
    return found


def _crossings(
    support: Sequence[Barrier], refute: Sequence[Barrier], horizon: int, first_look: int
) -> list[tuple[Sequence[slice], Sequence[slice]]]:
    """Return the numbers of ones that cross at each look, for each test for and against the claim."""
    if first_look <= horizon and all(barrier.null is not None for barrier in (*support, *refute)):
        ways = [_of_a_null(barrier, horizon, first_look) for barrier in (*support, *refute)]
        looks = list(zip(*ways, strict=True))
        before: list[tuple[Sequence[slice], Sequence[slice]]] = [((), ())] * (first_look - 1)
        return before + [(look[: len(support)], look[len(support) :]) for look in looks]
    followed = follow(support, refute, steps=horizon, first_look=first_look)
    return [  # now: the edges move on
        (tuple(edge.crossing for edge in ours), tuple(edge.crossing for edge in theirs))
        for ours, theirs in followed
    ]


def _of_a_null(barrier: Barrier, horizon: int, first_look: int) -> list[slice]:
    """Return the numbers of ones that cross a barrier from the first look on, for all looks at once."""
    assert barrier.null is not None
    threshold, side = barrier.null
    gains = gains_at(np.array([threshold if side > 0 else 1.0 - threshold]))
    edges = first_crossings(gains, Stretch(first_look, horizon, np.array([barrier.log_bar])))[:, 0].tolist()
    looks = enumerate(edges, start=first_look)
    if side > 0:
        return [slice(edge, units + 1) for units, edge in looks]
    return [slice(0, units + 1 - edge) for units, edge in looks]


def _after_the_look(chance: Chances, support: Sequence[slice], refute: Sequence[slice]) -> Chances:
    """Return the chance of a verdict on arrival at a look: 1 where it comes, else that of the new state."""
    if len(chance) == 1:  # one test for the claim: nothing is latched without a verdict
        arrived = chance[0].copy()
        for crossing in (*support, *refute):
            arrived[crossing] = 1.0
        return {0: arrived}
    arriving = {}
    for latched, ahead in chance.items():
        state = np.full(len(ahead), latched)
        for test, crossing in enumerate(support):
            state[crossing] |= 1 << test
        value = np.select([state == other for other in chance], list(chance.values()), default=1.0)
        for crossing in refute:
            value[crossing] = 1.0
        arriving[latched] = value
    return arriving
