"""How a rule will do before any unit is drawn: its verdicts and its sample size at a given truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_velo.stats.rules.rate import PRIOR, SequentialRule


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingCharacteristics:
    """The exact law of a rule at one true rate.

    Attributes:
        truth: The true rate, in [0, 1].
        supported, refuted: Probabilities of the verdicts; the rest is inconclusive.
        mean_n: Expected number of units when sampling stops, those fed before included.
    """

    truth: float
    supported: float
    refuted: float
    mean_n: float


def operating_characteristics(
    rule: SequentialRule, truths: Sequence[float]
) -> list[OperatingCharacteristics]:
    """Return the law of a rule on independent 0/1 units, exactly, from the units fed so far on.

    Args:
        rule: Usually a fresh rule; it is not changed.
        truths: True rates, each in [0, 1].

    Returns:
        One entry for each truth, in their order.
    """
    import numpy as np

    column = np.asarray(truths, dtype=float)[:, None]
    law = rule.outlook(lambda units: column)
    mean = rule.n + law.mean_units
    return [
        OperatingCharacteristics(truth=t, supported=float(s), refuted=float(r), mean_n=float(n))
        for t, s, r, n in zip(truths, law.supported, law.refuted, mean, strict=True)
    ]


def power(rule: SequentialRule, expect: float) -> float:
    """Return P(supported) at a true rate, exactly.

    For means of cases or groups this is a rough lower guide: 0/1 units vary the most.

    Args:
        rule: Usually a fresh rule; it is not changed.
        expect: The true rate, in [0, 1].
    """
    return operating_characteristics(rule, [expect])[0].supported


def mean_further(rule: SequentialRule, ones: int) -> float:
    """Return the mean of the further units to a verdict or the horizon, a Jeffreys prior on the rate.

    A run takes fewer where it stops because a verdict has become unlikely.

    Args:
        rule: Fed with valid 0/1 units; it is not changed.
        ones: How many of them were 1.
    """
    import numpy as np

    rising = np.arange(rule.max_units + 1.0) + PRIOR + ones
    total = rule.n + 2 * PRIOR
    law = rule.outlook(lambda units: np.divide(rising[None, : units + 1], total + units))
    return float(law.mean_units[0])
