"""The claim: a statistic, a direction and a threshold, as a value of its own. Nothing is sampled by it.

Three kinds: a `Claim` about one statistic, a `Joint` of several that must all hold, and an `Estimation`,
which claims nothing but asks for a number.
"""

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
    """A claim about one statistic; made by comparing it with a number, and nothing is sampled by that.

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
        """The claims it is made of: itself."""
        return (self,)

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """What it is about: one statistic."""
        return (self.statistic,)

    @property
    def shape(self) -> str:
        """What is claimed but the threshold: claims of one shape are nested in it."""
        return f"{self.direction} {self.statistic}"

    @property
    def threshold(self) -> float:
        """The threshold of a one-sided claim; the lower end of `within`."""
        value = self.high if self.direction is Direction.AT_MOST else self.low
        assert value is not None  # the statistics' operators see to it
        return value

    def __and__(self, other: object) -> Joint:
        """Claim both; each part is decided, and shown, by itself.

        Raises:
            UsageError: The other side is no claim; a part names no outcome, or is about a difference.
        """
        return _joined(self, other)

    def __or__(self, other: object) -> NoReturn:
        raise UsageError("claims are not joined with |", fix="write one test for each, or claim both with &")

    def __str__(self) -> str:
        if self.direction is Direction.WITHIN:
            assert self.low is not None  # the statistics' `within` sees to it
            assert self.high is not None
            return self.statistic.between(self.low, self.high)
        return self.statistic.compared(">=" if self.direction is Direction.AT_LEAST else "<=", self.threshold)

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
                f"`{self}` joins differences, of arms or from a baseline",
                fix="write one test for each; & joins rates and means of named outcomes",
            )
        if any(part.statistic.name is None for part in self.parts):
            raise UsageError(
                f"`{self}` joins claims that name no outcome",
                fix='name each: (rate("asr") <= 0.05) & (rate("over_refusal") <= 0.05), returned as a dict',
            )

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """What its parts are about, in their order."""
        return tuple(part.statistic for part in self.parts)

    @property
    def shape(self) -> str:
        """What is claimed but the thresholds."""
        return " & ".join(part.shape for part in self.parts)

    def __and__(self, other: object) -> Joint:
        """Claim that too.

        Raises:
            UsageError: The other side is no claim, or none that can be joined.
        """
        return _joined(self, other)

    def __str__(self) -> str:
        return " & ".join(f"({part})" for part in self.parts)

    def __bool__(self) -> NoReturn:
        raise UsageError(f"the claim `{self}` has no truth value", fix="join claims with & alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimation:
    """A number to be measured: sampling stops when its interval is tight enough; made by `estimate(...)`.

    Attributes:
        statistic: What is measured.
        halfwidth: How tight: half the interval's width, in the statistic's own units, above 0. None: as tight
            as all units make it.
    """

    statistic: Statistic
    halfwidth: float | None

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """What it is about: one statistic."""
        return (self.statistic,)

    @property
    def shape(self) -> str:
        """What is measured, however tightly."""
        return f"estimate {self.statistic}"

    def __and__(self, other: object) -> NoReturn:
        raise UsageError(
            f"`{self}` claims nothing that could be joined", fix="write a test of its own for it"
        )

    __rand__ = __and__

    def __str__(self) -> str:
        if self.halfwidth is None:
            return f"estimate({self.statistic})"
        return f"estimate({self.statistic}, halfwidth={self.halfwidth:g})"

    def __repr__(self) -> str:
        return str(self)

    def __bool__(self) -> NoReturn:
        raise UsageError(f"`{self}` has no truth value", fix="give it to the mark as it stands")


def _joined(claim: Claim | Joint, other: object) -> Joint:
    if isinstance(other, Estimation):
        return other & claim  # which says why not
    if not isinstance(other, Claim | Joint):
        left = str(claim) if isinstance(claim, Joint) else f"({claim})"
        raise UsageError("parentheses are missing around &", fix=f'{left} & (rate("name") <= 0.05)')
    return Joint(parts=(*claim.parts, *other.parts))


AnyClaim = Claim | Joint | Estimation
"""What a mark takes."""
