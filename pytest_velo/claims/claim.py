"""The claim: a statistic, a direction and a threshold, as a value of its own. Nothing is sampled by it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

from pytest_velo.errors import UsageError

if TYPE_CHECKING:
    from pytest_velo.claims.statistics import Statistic


class Direction(StrEnum):
    """Which side of the threshold a claim is on."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    WITHIN = "within"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim about one statistic.

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
        """The claims it is made of: itself."""
        return (self,)

    @property
    def threshold(self) -> float:
        """The threshold of a one-sided claim; the lower end of `within`."""
        value = self.high if self.direction is Direction.AT_MOST else self.low
        assert value is not None  # the statistics' operators see to it
        return value

    def __and__(self, other: object) -> Joint:
        """Claim both; each part is decided, and shown, by itself."""
        if not isinstance(other, Claim | Joint):
            raise UsageError("parentheses are missing around &", fix=f"({self}) & (rate <= 0.05)")
        return Joint(parts=(*self.parts, *other.parts))

    def __or__(self, other: object) -> NoReturn:
        raise UsageError("claims are not joined with |", fix="write one test for each, or claim both with &")

    def __str__(self) -> str:
        if self.direction is Direction.WITHIN:
            return f"{self.statistic}.within({self.low:g}, {self.high:g})"
        sign = ">=" if self.direction is Direction.AT_LEAST else "<="
        return f"{self.statistic} {sign} {self.threshold:g}"

    def __repr__(self) -> str:
        return str(self)

    def __bool__(self) -> NoReturn:
        raise UsageError(
            f"the claim `{self}` has no truth value",
            fix="claims are not compared in chains: write rate.within(0.2, 0.4) for 0.2 <= rate <= 0.4;"
            " join two with & and parentheses around each",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Several claims about named outcomes that must all hold: `(rate("a") <= 0.1) & (rate("b") <= 0.1)`."""

    parts: tuple[Claim, ...]

    def __post_init__(self) -> None:
        names = [part.statistic.name for part in self.parts]
        if None in names or any(part.statistic.arms for part in self.parts):
            raise UsageError(
                f"`{self}` joins claims that name no outcome",
                fix='name each: (rate("asr") <= 0.05) & (rate("over_refusal") <= 0.05), returned as a dict',
            )

    def __and__(self, other: object) -> Joint:
        """Claim that too."""
        if not isinstance(other, Claim | Joint):
            raise UsageError("parentheses are missing around &", fix='... & (rate("name") <= 0.05)')
        return Joint(parts=(*self.parts, *other.parts))

    def __str__(self) -> str:
        return " & ".join(f"({part})" for part in self.parts)

    def __bool__(self) -> NoReturn:
        raise UsageError(f"the claim `{self}` has no truth value", fix="join claims with & alone")
