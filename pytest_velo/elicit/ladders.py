"""Ladders: rungs in an order, each with its share of the error, fixed before anything is sampled.

**The error over a ladder.** Rung `i` of `m` is tested at level `alpha_i`, with `alpha_1 + ... + alpha_m` at
most alpha. The ladder is wrongly supported only if a rung is whose claim is false, and each of those tests is
wrong with a chance of at most `alpha_i`, whether or not the rungs before it stopped the climb. So the chance
of any is at most their sum (Boole's inequality, as Bonferroni uses it), whatever the rungs have in common:
they may share cases, seeds and draws. Shares may differ, but may not depend on what is sampled.

**The other error.** The ladder is refuted only if every rung is. If the claim is true with some rung, that
rung's own test refutes it with a chance of at most beta, and the ladder cannot be refuted without it; so each
rung has the whole beta (an intersection-union test: Berger 1982, Multiparameter hypothesis testing and
acceptance sampling, Technometrics 24).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pytest_velo.elicit.rung import Rung
from pytest_velo.errors import UsageError, nearest

if TYPE_CHECKING:
    from pytest_velo.case_sets import CaseSet

Order = Literal["written", "prior"]
Alpha = Literal["equal", "prior"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rung that can be sampled.

    Attributes:
        rung: The rung.
        at: Its place in the ladder, as written, from 0.
        share: Of the ladder's alpha, in (0, 1].
    """

    rung: Rung
    at: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Rungs, as written.

    Attributes:
        rungs: All of them, the skipped ones too.
        order: `written`, or the most success for its cost first.
        alpha: Shares are `equal`, or in proportion to the priors.
    """

    rungs: tuple[Rung, ...]
    order: Order = "written"
    alpha: Alpha = "equal"

    def __post_init__(self) -> None:
        _check(self)

    def steps(self, folder: Path) -> tuple[Step, ...]:
        """Return the rungs that can be sampled, in the order of the climb, each with its share of alpha.

        `folder` is where files of examples are. Shares add up to 1: of `m` rungs, each has `1 / m`.
        """
        tried = [(at, rung) for at, rung in enumerate(self.rungs) if not rung.skip]
        total = sum(rung.prior or 0.0 for _, rung in tried)
        steps = [
            Step(
                rung=rung,
                at=at,
                share=1 / len(tried) if self.alpha == "equal" else (rung.prior or 0.0) / total,
            )
            for at, rung in tried
        ]
        if self.order == "prior":
            steps.sort(key=lambda step: -_yield_of(step.rung, folder))
        return tuple(steps)

    def check(self, cases: CaseSet | None, folder: Path) -> None:
        """Check each rung that can be sampled.

        Raises:
            UsageError: One cannot be used with these cases.
        """
        for step in self.steps(folder):
            step.rung.check(cases, folder)

    def order_notices(self, folder: Path) -> Iterator[str]:
        """Say where a rung comes before a cheaper one, if their costs are known."""
        known = [
            (step.rung.name, cost)
            for step in self.steps(folder)
            if (cost := step.rung.relative_cost(folder)) is not None
        ]
        for (name, cost), (after, less) in pairwise(known):
            if self.order == "written" and less < cost:
                yield (
                    f"the ladder tries {name} before {after}, which costs less a trial"
                    f" (about {less:.2g} against {cost:.2g} plain prompts); order them, or say cost="
                )


def _yield_of(rung: Rung, folder: Path) -> float:
    """Return the expected successes of a rung for its cost.

    Raises:
        UsageError: Its cost is not known.
    """
    cost = rung.relative_cost(folder)
    if cost is None:
        raise UsageError(
            f"the cost of {rung.name} is not known beside the others'",
            where="ladder",
            fix="cost=2 for a trial that costs twice as much as the plain prompt's",
        )
    return (rung.prior or 0.0) / cost


def _check(ladder: Ladder) -> None:
    for rung in ladder.rungs:
        if not isinstance(rung, Rung):
            raise UsageError(
                f"a ladder is made of rungs, got {rung!r}",
                where="ladder",
                fix="zero_shot(), few_shot(examples), ... of pytest_velo.elicit",
            )
    if not ladder.rungs or all(rung.skip for rung in ladder.rungs):
        raise UsageError("the ladder has no rung that is tried", where="ladder", fix="ladder=[zero_shot()]")
    twice = [name for name, n in Counter(rung.name for rung in ladder.rungs).items() if n > 1]
    if twice:
        raise UsageError(
            f"two rungs are named {twice[0]!r}",
            where="ladder",
            fix=f'{twice[0].partition("(")[0]}(..., name="...")',
        )
    for name, value, known in (("order", ladder.order, Order), ("alpha", ladder.alpha, Alpha)):
        if value not in get_args(known):
            raise UsageError(
                f"{name}={value!r}: expected one of {', '.join(get_args(known))}",
                where="ladder",
                fix=nearest(str(value), get_args(known)),
            )
    if "prior" in (ladder.order, ladder.alpha):
        for rung in ladder.rungs:
            if not rung.skip and rung.prior is None:
                raise UsageError(
                    f"the rung {rung.name} has no prior", where="ladder", fix="prior=0.3 for each rung"
                )


def ladder(rungs: Sequence[Rung], *, order: Order = "written", alpha: Alpha = "equal") -> Ladder:
    """Return a ladder for `ladder=`, which also takes a plain list of rungs.

    Args:
        rungs: Ways to elicit an answer, the cheapest first.
        order: `"written"`, or `"prior"`: the expected success for its cost, highest first.
        alpha: How the error is shared: `"equal"`, or `"prior"`: in proportion to the priors.

    Raises:
        UsageError: There is no rung to try, or an argument is not valid.
    """
    return Ladder(rungs=tuple(rungs), order=order, alpha=alpha)


def ladder_of(value: Any) -> Ladder:
    """Return what the keyword `ladder=` was given.

    Raises:
        UsageError: A rung is none, or there is nothing to try.
        ValueError: It is no ladder at all.
    """
    if isinstance(value, Ladder):
        return value
    if not isinstance(value, list | tuple):
        raise ValueError("a list of rungs such as [zero_shot(), few_shot(examples)]")
    return ladder(value)
