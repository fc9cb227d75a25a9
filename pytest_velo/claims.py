"""What a hypothesis claims: a statistic, a direction and a threshold, as a value of its own.

`rate >= 0.3` builds a `RateClaim`; nothing is compared and nothing is sampled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from pytest_velo.errors import UsageError


class Direction(StrEnum):
    """Which side of the threshold a claim is on."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    WITHIN = "within"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateClaim:
    """A claim about the probability that one trial's outcome is 1.

    Attributes:
        direction: Which side.
        low: The threshold of `>=`, or the lower end of `within`; None for `<=`. In (0, 1).
        high: The threshold of `<=`, or the upper end of `within`; None for `>=`. In (0, 1).
        name: The outcome's name when bodies return several; None for the only one.
    """

    direction: Direction
    low: float | None = None
    high: float | None = None
    name: str | None = None

    @property
    def statistic(self) -> str:
        """The statistic in words: `rate`, or `rate("asr")`."""
        return "rate" if self.name is None else f'rate("{self.name}")'

    @property
    def threshold(self) -> float:
        """The threshold of a one-sided claim; the lower end of `within`."""
        value = self.high if self.direction is Direction.AT_MOST else self.low
        assert value is not None  # the constructors below see to it
        return value

    def __str__(self) -> str:
        if self.direction is Direction.WITHIN:
            return f"{self.statistic}.within({self.low:g}, {self.high:g})"
        sign = ">=" if self.direction is Direction.AT_LEAST else "<="
        return f"{self.statistic} {sign} {self.threshold:g}"

    def __bool__(self) -> NoReturn:
        raise UsageError(
            f"the claim `{self}` has no truth value",
            fix="claims are not compared in chains: write rate.within(0.2, 0.4) for 0.2 <= rate <= 0.4",
        )


class Rate:
    """The statistic `rate`: the share of trials whose outcome is 1.

    >>> str(rate >= 0.3), str(rate("asr") <= 0.05), str(rate.within(0.4, 0.6))
    ('rate >= 0.3', 'rate("asr") <= 0.05', 'rate.within(0.4, 0.6)')
    """

    __slots__ = ("_name",)

    def __init__(self, name: str | None = None) -> None:
        self._name = name

    def __call__(self, name: str) -> Rate:
        """Return the rate of one named outcome of bodies that return a dict."""
        if not isinstance(name, str) or not name:
            raise UsageError(
                f"rate(...) takes the name of an outcome, got {name!r}", fix='rate("asr") <= 0.05'
            )
        return Rate(name)

    def __ge__(self, threshold: float) -> RateClaim:
        """Claim that the rate is at least `threshold`, a number strictly between 0 and 1."""
        return RateClaim(direction=Direction.AT_LEAST, low=_probability(threshold, ">="), name=self._name)

    def __le__(self, threshold: float) -> RateClaim:
        """Claim that the rate is at most `threshold`, a number strictly between 0 and 1."""
        return RateClaim(direction=Direction.AT_MOST, high=_probability(threshold, "<="), name=self._name)

    def within(self, low: float, high: float) -> RateClaim:
        """Claim that the rate lies between `low` and `high`, both strictly between 0 and 1."""
        first, last = _probability(low, "within"), _probability(high, "within")
        if first >= last:
            raise UsageError(f"rate.within({low!r}, {high!r}) is empty", fix="give the lower end first")
        return RateClaim(direction=Direction.WITHIN, low=first, high=last, name=self._name)

    def __gt__(self, threshold: float) -> NoReturn:
        raise UsageError("claims are written with >= and <=", fix=f"rate >= {threshold!r}")

    def __lt__(self, threshold: float) -> NoReturn:
        raise UsageError("claims are written with >= and <=", fix=f"rate <= {threshold!r}")

    def __repr__(self) -> str:
        return "rate" if self._name is None else f"rate({self._name!r})"


def _probability(value: object, sign: str) -> float:
    """Return `value` as a threshold, or say why it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise UsageError(f"a threshold is a number between 0 and 1, got {value!r}", fix="rate >= 0.3")
    if value in (0, 1):
        trivial = (value == 0) == (sign == ">=")
        advice = (
            "every rate satisfies it; claim something that could be false"
            if trivial
            else "no finite sample can support it; claim what you need, e.g. rate >= 0.99 or rate <= 0.01"
        )
        raise UsageError(f"rate {sign} {value} cannot be tested", fix=advice)
    if not 0 < value < 1:
        hint = f"rate {sign} {value / 100:g}" if 1 < value < 100 else "a rate is a share, not a count"
        raise UsageError(f"a threshold lies between 0 and 1, got {value!r}", fix=hint)
    return float(value)


rate = Rate()
