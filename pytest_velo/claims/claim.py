"""Claims as values: a statistic, a direction and a threshold. Making one samples nothing.

A `Claim` is about one `Statistic`, and is made by comparing it with a number; a `Joint` is of several that
must all hold. What else a mark takes is in `questions`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from pytest_velo.claims.alone import Alone
from pytest_velo.claims.ends import ends_of
from pytest_velo.claims.scale import Scale
from pytest_velo.claims.stored import Baseline
from pytest_velo.errors import UsageError
from pytest_velo.vocabulary import called


class Direction(StrEnum):
    """Which side of the threshold a claim is on."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    WITHIN = "within"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim about one statistic, made by comparing it with a number.

    >>> from pytest_velo.claims import rate
    >>> claim = rate >= 0.3
    >>> claim.direction.value, claim.threshold, str(claim.statistic)
    ('at_least', 0.3, 'rate')

    Attributes:
        statistic: What it is about.
        direction: Which side.
        low: The threshold of `>=`, or the lower end of `within`; None for `<=`. In the statistic's range.
        high: The threshold of `<=`, or the upper end of `within`; None for `>=`.
    """

    statistic: Statistic
    direction: Direction
    low: float | None = None
    high: float | None = None

    @property
    def parts(self) -> tuple[Claim, ...]:
        """The claims it consists of: itself."""
        return (self,)

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistic it is about."""
        return (self.statistic,)

    @property
    def shape(self) -> str:
        """The claim without its threshold: claims of one shape are nested."""
        return f"{self.direction} {self.statistic}"

    @property
    def threshold(self) -> float:
        """The threshold of a one-sided claim; the lower end of `within`."""
        value = self.high if self.direction is Direction.AT_MOST else self.low
        assert value is not None  # the statistics' operators ensure it
        return value

    def __and__(self, other: object) -> Joint:
        """Claim both; each part is decided, and shown, on its own.

        Raises:
            UsageError: The other side is not a claim; a part names no outcome, or is about a difference.
        """
        return _joined(self, other)

    def __or__(self, other: object) -> NoReturn:
        raise UsageError(
            "claims cannot be joined with |", fix="write one test for each, or claim both with &"
        )

    def __str__(self) -> str:
        if self.direction is Direction.WITHIN:
            assert self.low is not None  # the statistics' `within` ensures it
            assert self.high is not None
            return self.statistic.between(self.low, self.high)
        return self.statistic.compared(">=" if self.direction is Direction.AT_LEAST else "<=", self.threshold)

    def __repr__(self) -> str:
        return str(self)

    def __bool__(self) -> NoReturn:
        raise UsageError(
            f"the claim `{self}` has no truth value",
            fix="claims cannot be chained: write rate.within(0.2, 0.4) for 0.2 <= rate <= 0.4;"
            " join two with & and parentheses around each",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Several claims about named outcomes that must all hold; made by `&`.

    >>> from pytest_velo.claims import mean, rate
    >>> joint = (rate("a") <= 0.1) & (mean(0, 10, "b") >= 7)
    >>> print(joint)
    (rate("a") <= 0.1) & (mean(0, 10, "b") >= 7)

    Attributes:
        parts: Two or more, each about one named outcome, none about a difference.

    Raises:
        UsageError: A part names no outcome, or is about a difference.
    """

    parts: tuple[Claim, ...]

    def __post_init__(self) -> None:
        if any(part.statistic.arms for part in self.parts):
            raise UsageError(
                f"`{self}` joins differences (of arms, or from a baseline)",
                fix="write one test for each; & joins rates and means of named outcomes",
            )
        if any(part.statistic.name is None for part in self.parts):
            raise UsageError(
                f"`{self}` joins claims that name no outcome",
                fix='name each: (rate("asr") <= 0.05) & (rate("over_refusal") <= 0.05), returned as a dict',
            )

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistics of its parts, in order."""
        return tuple(part.statistic for part in self.parts)

    @property
    def shape(self) -> str:
        """The claim without its thresholds."""
        return " & ".join(part.shape for part in self.parts)

    def __and__(self, other: object) -> Joint:
        """Add a claim.

        Raises:
            UsageError: The other side is not a claim, or cannot be joined.
        """
        return _joined(self, other)

    def __str__(self) -> str:
        return " & ".join(f"({part})" for part in self.parts)

    def __bool__(self) -> NoReturn:
        raise UsageError(f"the claim `{self}` has no truth value", fix="join claims with & alone")


def _joined(claim: Claim | Joint, other: object) -> Joint:
    if isinstance(other, Alone):
        return other & claim  # which raises the reason
    if not isinstance(other, Claim | Joint):
        left = str(claim) if isinstance(claim, Joint) else f"({claim})"
        raise UsageError("parentheses are missing around &", fix=f'{left} & (rate("name") <= 0.05)')
    return Joint(parts=(*claim.parts, *other.parts))


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
        """The arms it compares, first minus second; empty if it compares none."""
        return ()

    @property
    def binary(self) -> bool:
        """A single trial's outcome is 0 or 1."""
        return True

    def __ge__(self, threshold: float | Baseline) -> Claim:
        """Claim that it is at least `threshold`, strictly inside its range, or `baseline` plus a distance.

        Raises:
            UsageError: The threshold is not a number inside the range, or no baseline of it can be stored.
        """
        if isinstance(threshold, Baseline):
            return self.change >= threshold.offset
        return Claim(statistic=self, direction=Direction.AT_LEAST, low=self._threshold(threshold, ">="))

    def __le__(self, threshold: float | Baseline) -> Claim:
        """Claim that it is at most `threshold`, strictly inside its range, or `baseline` plus a distance.

        Raises:
            UsageError: The threshold is not a number inside the range, or no baseline of it can be stored.
        """
        if isinstance(threshold, Baseline):
            return self.change <= threshold.offset
        return Claim(statistic=self, direction=Direction.AT_MOST, high=self._threshold(threshold, "<="))

    @property
    def change(self) -> Statistic:
        """The distance from the stored baseline; rates and means have one.

        Raises:
            UsageError: It is not a rate or mean.
        """
        raise UsageError(
            f"`{self}` has no baseline: only rates and means are stored",
            fix="compare the arms themselves, e.g. difference(...) >= -0.05",
        )

    @called("rate.within(0.2, 0.4), with both ends")
    def within(self, low: float | Baseline, high: float | Baseline) -> Claim:
        """Claim that it lies between `low` and `high`, both inside its range or both off the baseline.

        Raises:
            UsageError: An end is not a number inside the range, or the range between them is empty.
        """
        if isinstance(low, Baseline) and isinstance(high, Baseline):
            return self.change.within(low.offset, high.offset)
        if isinstance(low, Baseline) or isinstance(high, Baseline):
            raise UsageError(
                f"{self}.within(...) takes the baseline at both ends or at neither",
                fix=f"{self}.within(baseline - 0.05, baseline + 0.05)",
            )
        first, last = ends_of(str(self), self.scale, (low, high), self.between, self.compared)
        return Claim(statistic=self, direction=Direction.WITHIN, low=first, high=last)

    def compared(self, sign: str, value: float) -> str:
        """Return an inequality about it as text: `rate >= 0.3`."""
        return f"{self} {sign} {value:g}"

    def between(self, low: float, high: float) -> str:
        """Return the claim that it lies between two values, as text."""
        return f"{self}.within({low:g}, {high:g})"

    def __gt__(self, threshold: object) -> NoReturn:
        raise UsageError("claims are written with >= and <=", fix=f"{self} >= {threshold!r}")

    def __lt__(self, threshold: object) -> NoReturn:
        raise UsageError("claims are written with >= and <=", fix=f"{self} <= {threshold!r}")

    def __and__(self, other: object) -> NoReturn:
        raise UsageError("parentheses are missing around &", fix="(rate >= 0.2) & (rate <= 0.4)")

    __rand__ = __and__

    def __sub__(self, other: object) -> NoReturn:
        if isinstance(other, Statistic):
            raise UsageError(
                "statistics cannot be subtracted: a difference is one of two arms, paired on the case",
                fix='difference("a", "b") >= 0.1, with arms=("a", "b") in the mark',
            )
        raise UsageError(
            f"`{self}` is not a number: nothing can be added to it or taken from it",
            fix=f"move the threshold: {self} >= ...",
        )

    __add__ = __radd__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = __sub__

    def __repr__(self) -> str:
        return str(self)

    def _threshold(self, value: object, sign: str) -> float:
        """Return `value` as a threshold, or raise the reason why it is not one."""
        low, high = self.scale
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise UsageError(
                f"a threshold for {self} must be a number between {low:g} and {high:g}, got {value!r}",
                fix=f"{self} >= {self.scale.from_unit(0.7):g}",
            )
        if value in (low, high):
            trivial = (sign, value) in ((">=", low), ("<=", high))
            advice = (
                "every value satisfies it: claim something that could be false"
                if trivial
                else "no finite sample can support it: claim what you need, slightly inside the range"
            )
            raise UsageError(f"{self} {sign} {value:g} cannot be tested", fix=advice)
        if not low < value < high:
            a_percentage = (low, high) == (0, 1) and 1 < value < 100
            hint = f"{self} {sign} {value / 100:g}" if a_percentage else "move it inside the range"
            raise UsageError(
                f"a threshold for {self} must be between {low:g} and {high:g}, got {value!r}", fix=hint
            )
        return float(value)
