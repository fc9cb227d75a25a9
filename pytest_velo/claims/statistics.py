"""Statistics a claim can be about: rate, mean, difference, and the change from a baseline.

Every one is a mean of values in a known range; its `scale` maps that range to [0, 1], where all is computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn

from pytest_velo.claims.claim import Claim, Direction
from pytest_velo.claims.scale import Scale
from pytest_velo.claims.stored import Baseline
from pytest_velo.errors import UsageError


@dataclass(frozen=True, slots=True)
class Statistic:
    """What a claim is about: the mean of one outcome, or the difference of two such means.

    Compare it with a number to make a claim.

    Attributes:
        name: The outcome's name when bodies return several; None for the only one.
    """

    name: str | None = None

    @property
    def scale(self) -> Scale:
        """The range of the statistic."""
        return Scale(0.0, 1.0)

    @property
    def outcomes(self) -> Scale:
        """The range of a single trial's outcome."""
        return self.scale

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms it compares, first minus second; empty for a statistic of one."""
        return ()

    @property
    def binary(self) -> bool:
        """A single trial's outcome is 0 or 1."""
        return True

    def __ge__(self, threshold: float | Baseline) -> Claim:
        """Claim that it is at least `threshold`, strictly inside its range, or `baseline` and a distance.

        Raises:
            UsageError: The threshold is no number inside the range, or it has no baseline.
        """
        if isinstance(threshold, Baseline):
            return self.change >= threshold.offset
        return Claim(statistic=self, direction=Direction.AT_LEAST, low=self._threshold(threshold, ">="))

    def __le__(self, threshold: float | Baseline) -> Claim:
        """Claim that it is at most `threshold`, strictly inside its range, or `baseline` and a distance.

        Raises:
            UsageError: The threshold is no number inside the range, or it has no baseline.
        """
        if isinstance(threshold, Baseline):
            return self.change <= threshold.offset
        return Claim(statistic=self, direction=Direction.AT_MOST, high=self._threshold(threshold, "<="))

    @property
    def change(self) -> Change:
        """How far it is from what the baseline stored.

        Raises:
            UsageError: It is no rate or mean.
        """
        if isinstance(self, Rate | Mean):
            return Change(name=self.name, first="now", second="baseline", of=self)
        raise UsageError(
            f"`{self}` has no baseline: only a rate or a mean is stored",
            fix="compare the arms themselves, e.g. difference(...) >= -0.05",
        )

    def within(self, low: float | Baseline, high: float | Baseline) -> Claim:
        """Claim that it lies between `low` and `high`, both strictly inside its range or off the baseline.

        Raises:
            UsageError: An end is no number inside the range, or the range between them is empty.
        """
        if isinstance(low, Baseline) and isinstance(high, Baseline):
            return self.change.within(low.offset, high.offset)
        if isinstance(low, Baseline) or isinstance(high, Baseline):
            raise UsageError(
                f"{self}.within(...) is off the baseline at both ends or at none",
                fix=f"{self}.within(baseline - 0.05, baseline + 0.05)",
            )
        first, last = self._threshold(low, "within"), self._threshold(high, "within")
        if first >= last:
            raise UsageError(f"{self}.within({low!r}, {high!r}) is empty", fix="give the lower end first")
        return Claim(statistic=self, direction=Direction.WITHIN, low=first, high=last)

    def compared(self, sign: str, value: float) -> str:
        """Return an inequality about it, in words: `rate >= 0.3`."""
        return f"{self} {sign} {value:g}"

    def between(self, low: float, high: float) -> str:
        """Return the claim that it lies between two values, in words."""
        return f"{self}.within({low:g}, {high:g})"

    def __gt__(self, threshold: object) -> NoReturn:
        raise UsageError("claims are written with >= and <=", fix=f"{self} >= {threshold!r}")

    def __lt__(self, threshold: object) -> NoReturn:
        raise UsageError("claims are written with >= and <=", fix=f"{self} <= {threshold!r}")

    def __and__(self, other: object) -> NoReturn:
        raise UsageError("parentheses are missing around &", fix="(rate >= 0.2) & (rate <= 0.4)")

    __rand__ = __and__

    def __repr__(self) -> str:
        return str(self)

    def _threshold(self, value: object, sign: str) -> float:
        """Return `value` as a threshold, or say why it is none."""
        low, high = self.scale
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise UsageError(
                f"a threshold of {self} is a number between {low:g} and {high:g}, got {value!r}",
                fix=f"{self} >= {self.scale.from_unit(0.7):g}",
            )
        if value in (low, high):
            trivial = (sign, value) in ((">=", low), ("<=", high))
            advice = (
                "every value satisfies it; claim something that could be false"
                if trivial
                else "no finite sample can support it; claim what you need, a little inside the range"
            )
            raise UsageError(f"{self} {sign} {value:g} cannot be tested", fix=advice)
        if not low < value < high:
            a_percentage = (low, high) == (0, 1) and 1 < value < 100
            hint = f"{self} {sign} {value / 100:g}" if a_percentage else "move it inside the range"
            raise UsageError(
                f"a threshold of {self} lies between {low:g} and {high:g}, got {value!r}", fix=hint
            )
        return float(value)


@dataclass(frozen=True, slots=True, repr=False)
class Rate(Statistic):
    """The statistic `rate`: the share of trials whose outcome is 1.

    >>> from pytest_velo.claims import rate
    >>> rate >= 0.3, rate("asr") <= 0.05, rate.within(0.4, 0.6)
    (rate >= 0.3, rate("asr") <= 0.05, rate.within(0.4, 0.6))
    """

    def __call__(self, name: str) -> Rate:
        """Return the rate of one named outcome of bodies that return a dict.

        Raises:
            UsageError: The name is no text, or empty.
        """
        return Rate(outcome_name(name, 'rate("asr") <= 0.05'))

    def __str__(self) -> str:
        return "rate" if self.name is None else f'rate("{self.name}")'


@dataclass(frozen=True, slots=True, repr=False)
class Mean(Statistic):
    """The mean of a score in a known range; made by `mean(low, high)`.

    >>> from pytest_velo.claims import mean
    >>> mean(0, 10) >= 7, mean(0, 1, "helpful") <= 0.5
    (mean(0, 10) >= 7, mean(0, 1, "helpful") <= 0.5)
    """

    low: float = 0.0
    high: float = 1.0

    @property
    def scale(self) -> Scale:
        """The range of the scores."""
        return Scale(self.low, self.high)

    @property
    def binary(self) -> bool:
        """Scores are not 0 or 1."""
        return False

    def __str__(self) -> str:
        name = "" if self.name is None else f', "{self.name}"'
        return f"mean({self.low:g}, {self.high:g}{name})"


@dataclass(frozen=True, slots=True, repr=False)
class Difference(Statistic):
    """The mean of `first - second` over cases that both arms answer; made by `difference(first, second)`.

    >>> from pytest_velo.claims import difference
    >>> difference("hinted", "plain") >= 0.1
    difference("hinted", "plain") >= 0.1
    """

    first: str = ""
    second: str = ""
    of: Rate | Mean = Rate()

    @property
    def scale(self) -> Scale:
        """From minus to plus the width of the outcomes' range."""
        span = self.of.scale.span
        return Scale(-span, span)

    @property
    def outcomes(self) -> Scale:
        """The range of one arm's outcome."""
        return self.of.scale

    @property
    def arms(self) -> tuple[str, ...]:
        """First minus second."""
        return self.first, self.second

    @property
    def binary(self) -> bool:
        """One arm's outcome is 0 or 1."""
        return self.of.binary

    def within(self, low: float | Baseline, high: float | Baseline | None = None) -> Claim:
        """Claim that it lies within `low..high`, or within plus or minus `low` if that is all there is.

        Raises:
            UsageError: An end is no number inside the range, or the range between them is empty.
        """
        if high is not None or isinstance(low, Baseline):
            return Statistic.within(self, low, low if high is None else high)
        return Statistic.within(self, -abs(low), abs(low))

    def __str__(self) -> str:
        of = "" if self.of == Rate() else f", of={self.of}"
        return f'difference("{self.first}", "{self.second}"{of})'


@dataclass(frozen=True, slots=True, repr=False)
class Change(Difference):
    """How far a rate or mean is from its stored baseline, case by case: now minus then.

    >>> from pytest_velo.claims import baseline, mean, rate
    >>> rate >= baseline - 0.05, mean(0, 10).within(baseline - 0.5, baseline + 0.5)
    (rate >= baseline - 0.05, mean(0, 10).within(baseline - 0.5, baseline + 0.5))
    """

    def compared(self, sign: str, value: float) -> str:
        """Return an inequality about it, in terms of what is compared."""
        return f"{self.of} {sign} {Baseline(value)}"

    def between(self, low: float, high: float) -> str:
        """Return the claim that it lies between two values, in words."""
        return f"{self.of}.within({Baseline(low)}, {Baseline(high)})"

    def __str__(self) -> str:
        return f"{self.of} - baseline"


def outcome_name(name: object, example: str) -> str:
    """Return an outcome's name.

    Args:
        name: What the user wrote for one.
        example: A claim with a name, as the fix shows it.

    Raises:
        UsageError: It is no text, or empty.

    >>> outcome_name("asr", 'rate("asr") <= 0.05')
    'asr'
    >>> outcome_name(0.05, 'rate("asr") <= 0.05')
    Traceback (most recent call last):
        ...
    pytest_velo.errors.UsageError: an outcome's name is a text, got 0.05
      fix: rate("asr") <= 0.05
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"an outcome's name is a text, got {name!r}", fix=example)
    return name
