"""The exact law of a rule before any unit is drawn, and of a run, which also gives up.

A rule alone continues to its horizon. A run stops earlier, at a few looks, if the chance of a verdict by the
horizon is small. That chance depends only on the number of ones (and on which tests have rejected), so one
backward pass gives it for every path, and a forward pass ends the hopeless ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pytest_velo.stats.engine.futility import Futility
from pytest_velo.stats.exact.chances import chances_of
from pytest_velo.stats.exact.law import race
from pytest_velo.stats.rules.rate import RateRule


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingCharacteristics:
    """The exact law of a rule at one true rate.

    Attributes:
        truth: The true rate, in [0, 1].
        supported, refuted: Probabilities of the verdicts; the rest is inconclusive.
        mean_n: Expected number of units when sampling stops, including those fed before.
    """

    truth: float
    supported: float
    refuted: float
    mean_n: float


def operating_characteristics(rule: RateRule, truths: Sequence[float]) -> list[OperatingCharacteristics]:
    """Return the exact law of a rule on independent 0/1 units, from its current state on, for each true rate.

    The rule, usually a fresh one, is not changed.
    """
    column = np.asarray(truths, dtype=float)[:, None]
    law = rule.outlook(lambda units: column)
    mean = rule.n + law.mean_units
    return [
        OperatingCharacteristics(truth=t, supported=float(s), refuted=float(r), mean_n=float(n))
        for t, s, r, n in zip(truths, law.supported, law.refuted, mean, strict=True)
    ]


def mean_further(rule: RateRule, ones: int) -> float:
    """Return the mean number of further units to a verdict or the horizon.

    The rate has a Jeffreys prior, updated with `ones` among the valid 0/1 units fed so far. A run takes
    fewer, because it also gives up. The rule is not changed.
    """
    return float(rule.as_it_looks(ones).mean_units[0])


def law_with_futility(
    rule: RateRule, futility: Futility
) -> Callable[[Sequence[float]], list[OperatingCharacteristics]]:
    """Return the exact law of a run on independent 0/1 units, as a function of the true rates."""
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
