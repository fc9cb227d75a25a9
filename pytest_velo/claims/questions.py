"""What a mark takes besides claims about one statistic: values too, and making one samples nothing.

An `Estimation` claims nothing but asks for a number, a `Ranking` asks which of many arms is the best, and the
claim of an `EachCase` holds on every case, so that one case refutes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

from pytest_velo.claims.alone import Alone
from pytest_velo.claims.claim import Claim, Direction, Joint, Statistic
from pytest_velo.claims.statistics import Mean, Rate


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Estimation(Alone):
    """A number to be measured: sampling stops when its interval is narrow enough; made by `estimate(...)`.

    Attributes:
        statistic: What is measured.
        halfwidth: Half the interval's target width, in the statistic's own units, above 0. None: use all
            units.
    """

    _why: ClassVar[str] = "claims nothing, so it cannot be joined"

    statistic: Statistic
    halfwidth: float | None

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistic it measures."""
        return (self.statistic,)

    @property
    def shape(self) -> str:
        """What is measured, regardless of the half-width."""
        return f"estimate {self.statistic}"

    def __str__(self) -> str:
        if self.halfwidth is None:
            return f"estimate({self.statistic})"
        return f"estimate({self.statistic}, halfwidth={self.halfwidth:g})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ranking(Alone):
    """The question which of many arms is the best; made by `ranking(...)`.

    Attributes:
        of: What is compared, a rate or a mean.
        top: How many are asked for, from 1: the first `top`, in any order.
        best: The arm that is claimed to be the best; None to ask which one is.
        lowest: The lowest rate or mean is the best.
    """

    of: Rate | Mean
    top: int = 1
    best: str | None = None
    lowest: bool = False

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """What is compared."""
        return (self.of,)

    @property
    def shape(self) -> str:
        """The question, as it is: no two of them are nested."""
        return str(self)

    def __str__(self) -> str:
        said = [] if self.of == Rate() else [str(self.of)]
        said += [f"top={self.top}"] if self.top > 1 else []
        said += [f"best={json.dumps(self.best, ensure_ascii=False)}"] if self.best is not None else []
        said += ["lowest=True"] if self.lowest else []
        return f"ranking({', '.join(said)})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EachCase(Alone):
    """The claim that a rate holds on every case, which a search tries to refute; made by `each_case(...)`.

    Attributes:
        claim: What holds on each: `rate >= x` or `rate <= x`.
    """

    claim: Claim

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistic it is about, case by case."""
        return self.claim.statistics

    @property
    def shape(self) -> str:
        """The claim without its threshold."""
        return f"each_case({self.claim.shape})"

    @property
    def allowed(self) -> float:
        """The largest share of trials against the claim that it allows on a case, in (0, 1)."""
        if self.claim.direction is Direction.AT_MOST:
            assert self.claim.high is not None  # by construction
            return self.claim.high
        assert self.claim.low is not None  # likewise
        return 1.0 - self.claim.low

    def __str__(self) -> str:
        return f"each_case({self.claim})"


AnyClaim = Claim | Joint | Estimation | Ranking | EachCase
"""What a mark takes."""
