"""The exact law of a run as it is sampled: it also ends where a verdict has become unlikely.

`operating_characteristics` follows a rule to its horizon. A run stops before, at a few looks, when the rule
gives a verdict by the horizon little chance. That chance depends on the number of ones (and on which tests
have rejected) alone, so one backward pass gives it for every path, and a forward pass ends the hopeless ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_velo.stats.one_sided.rate import Barrier
from pytest_velo.stats.planning.operating import OperatingCharacteristics
from pytest_velo.stats.rules.rate import PRIOR, SequentialRule

if TYPE_CHECKING:
    from pytest_velo.stats.exact.thresholds import Floats

    Values = dict[int, Floats]
    """By the tests for the claim that are latched (as bits): a value for each number of ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Futility:
    """When a run looks whether a verdict is still likely.

    Attributes:
        below: It ends where the chance of a verdict is below this; in [0, 1].
        first: Units before the first look.
        every: Units from look to look.
    """

    below: float
    first: int
    every: int

    def looks(self, horizon: int, min_units: int = 1) -> range:
        """Return the numbers of units at which a run looks; none at the horizon, where it ends anyway."""
        return range(max(self.first, min_units), horizon, self.every)


def usual_futility(max_units: int) -> Futility:
    """Return when runs look: from 20 units on, some twenty times at most, each look costing milliseconds.

    Args:
        max_units: The horizon, from 1.

    Returns:
        A run ends where the chance of a verdict is below 5%.
    """
    return Futility(below=0.05, first=20, every=max(10, max_units // 20))


def law_with_futility(
    rule: SequentialRule, futility: Futility
) -> Callable[[Sequence[float]], list[OperatingCharacteristics]]:
    """Return the law of a run on independent 0/1 units, exactly, as a function of the true rates.

    Args:
        rule: A fresh rule; it is not changed.
        futility: When the run gives up.

    Returns:
        A function from true rates, each in [0, 1], to an entry for each, in their order.
    """
    import numpy as np

    from pytest_velo.stats.exact.law import race

    support, refute = rule.barriers()
    looks = futility.looks(rule.max_units, rule.min_units)
    chances = chances_of(support, refute, horizon=rule.max_units, first_look=rule.min_units, looks=looks)
    hopeless = {
        units: {latched: chance < futility.below for latched, chance in states.items()}
        for units, states in chances.items()
    }

    def law(truths: Sequence[float]) -> list[OperatingCharacteristics]:
        column = np.asarray(truths, dtype=float)[:, None]
        run = race(
            support,
            refute,
            steps=rule.max_units,
            first_look=rule.min_units,
            chance=lambda units: column,
            give_up=lambda units: hopeless.get(units, {}),
        )
        return [
            OperatingCharacteristics(truth=t, supported=float(s), refuted=float(r), mean_n=float(n))
            for t, s, r, n in zip(truths, run.supported, run.refuted, run.mean_units, strict=True)
        ]

    return law


def chances_of(
    support: Sequence[Barrier],
    refute: Sequence[Barrier],
    *,
    horizon: int,
    first_look: int,
    looks: Collection[int],
    prior: float = PRIOR,
) -> dict[int, Values]:
    """Return the chance of a verdict by the horizon at some numbers of units, the rate having a beta prior.

    Args:
        support: Barriers of tests that must all reject, each latched; at least one.
        refute: Barriers any of which refutes.
        horizon: The last unit.
        first_look: No verdict comes before it, from 1.
        looks: Where the chance is wanted.
        prior: So many ones, and as many zeros, stand before the units in the forecast of the next.

    Returns:
        For each look: by the latched tests (as bits), for each number of ones, the chance.
    """
    import numpy as np

    crossings = _crossings(support, refute, horizon, first_look)
    # On the way back from the horizon, where what is open stays open.
    chance = {latched: np.zeros(horizon + 1) for latched in range((1 << len(support)) - 1)}
    found: dict[int, Values] = {}
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
    """Return the numbers of ones that cross at each look, by test for the claim and by test against it."""
    if first_look <= horizon and all(barrier.null is not None for barrier in (*support, *refute)):
        ways = [_of_a_null(barrier, horizon, first_look) for barrier in (*support, *refute)]
        looks = list(zip(*ways, strict=True))
        before: list[tuple[Sequence[slice], Sequence[slice]]] = [((), ())] * (first_look - 1)
        return before + [(look[: len(support)], look[len(support) :]) for look in looks]
    from pytest_velo.stats.exact.law import follow

    followed = follow(support, refute, steps=horizon, first_look=first_look)
    return [  # now: the edges move on
        (tuple(edge.crossing for edge in ours), tuple(edge.crossing for edge in theirs))
        for ours, theirs in followed
    ]


def _of_a_null(barrier: Barrier, horizon: int, first_look: int) -> list[slice]:
    """Return the numbers of ones that cross a barrier from the first look on, found for all looks at once."""
    import numpy as np

    from pytest_velo.stats.exact.boundary import Stretch, first_crossings, gains_at

    assert barrier.null is not None
    threshold, side = barrier.null
    gains = gains_at(np.array([threshold if side > 0 else 1.0 - threshold]))
    edges = first_crossings(gains, Stretch(first_look, horizon, np.array([barrier.log_bar])))[:, 0].tolist()
    looks = enumerate(edges, start=first_look)
    if side > 0:
        return [slice(edge, units + 1) for units, edge in looks]
    return [slice(0, units + 1 - edge) for units, edge in looks]


def _after_the_look(chance: Values, support: Sequence[slice], refute: Sequence[slice]) -> Values:
    """Return the chance of a verdict on arrival at a look: 1 where it comes, else that of the new state."""
    import numpy as np

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
