"""What users write claims with: `rate`, `mean`, `difference`, `estimate`, `ranking` and `each_case`."""

from __future__ import annotations

import math

from pytest_velo.claims.claim import Claim, Direction, Statistic
from pytest_velo.claims.questions import EachCase, Estimation, Ranking
from pytest_velo.claims.statistics import Difference, Mean, Rate, outcome_name
from pytest_velo.errors import UsageError
from pytest_velo.vocabulary import word

rate = Rate()
"""The share of trials whose outcome is 1, in [0, 1]; `rate("name")` of one outcome among several."""

_WITH = 'with models=[...] or arms=("a", "b") in the mark: all of these are ranked'


@word("mean(0, 10) >= 7")
def mean(low: float, high: float, name: str | None = None) -> Mean:
    """Return the mean of a score in `low..high`, inclusive; a body returns the score.

    Args:
        low: The least a score can be, in its own units; finite.
        high: The most; above `low`, finite.
        name: The outcome's name where the body returns several in a dict.

    Raises:
        UsageError: The range is empty or not finite, or the name is not a string.

    >>> mean(0, 10) >= 7
    mean(0, 10) >= 7
    >>> mean(1, 5, "helpful").scale.to_unit(4)
    0.75
    """
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not numbers or not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"mean({low!r}, {high!r}) is not a range of scores", fix="mean(0, 10) >= 7")
    named = None if name is None else outcome_name(name, 'mean(0, 10, "helpful")')
    return Mean(name=named, low=float(low), high=float(high))


@word('difference("hinted", "plain") >= 0.1, with arms=("plain", "hinted") in the mark')
def difference(first: str, second: str, *, of: Rate | Mean = rate) -> Difference:
    """Return the mean difference `first - second` of two arms, paired on the case.

    Args:
        first: An arm's name, or a model id where models are the arms.
        second: The arm it is compared with.
        of: What is compared: `rate` or `mean(low, high)`; for a named outcome, `rate("asr")`.

    Returns:
        A statistic whose range is plus or minus the width of what is compared: -1 to 1 for a rate.

    Raises:
        UsageError: The arms are not two different names, or `of` is not a rate or mean.

    >>> difference("hinted", "plain") >= 0.1
    difference("hinted", "plain") >= 0.1
    >>> difference("a", "b", of=mean(0, 10)).within(0.5)
    difference("a", "b", of=mean(0, 10)).within(-0.5, 0.5)
    """
    if not (isinstance(first, str) and isinstance(second, str) and first and second and first != second):
        raise UsageError(
            f"a difference needs two different arms, got {first!r} and {second!r}",
            fix='difference("hinted", "plain") >= 0.1, with arms=("plain", "hinted")',
        )
    if not isinstance(of, Rate | Mean):
        raise UsageError(f"of= must be rate or mean(low, high), got {_given(of)}", fix="of=mean(0, 10)")
    return Difference(name=of.name, first=first, second=second, of=of)


@word("estimate(rate, halfwidth=0.05)")
def estimate(statistic: Statistic, *, halfwidth: float) -> Estimation:
    """Ask for a number: sample until its interval is plus or minus `halfwidth`.

    Args:
        statistic: `rate`, `rate("name")`, `mean(low, high)` or `difference("a", "b")`.
        halfwidth: In the statistic's own units, above 0 and below half its range.

    Raises:
        UsageError: It is not a statistic, or the half-width is outside its range.

    >>> estimate(rate, halfwidth=0.05)
    estimate(rate, halfwidth=0.05)
    """
    if not isinstance(statistic, Statistic):
        fix = (
            "estimate(mean(0, 10), halfwidth=0.5)" if statistic is mean else "estimate(rate, halfwidth=0.05)"
        )
        raise UsageError(f"{_given(statistic)} cannot be estimated", fix=fix)
    span = statistic.scale.span
    number = isinstance(halfwidth, int | float) and not isinstance(halfwidth, bool)
    if not number or not 0 < halfwidth < span / 2:
        raise UsageError(
            f"the half-width of {statistic} must be between 0 and {span / 2:g}, got {halfwidth!r}",
            fix=f"estimate({statistic}, halfwidth={span / 20:g})",
        )
    return Estimation(statistic=statistic, halfwidth=float(halfwidth))


@word(f"ranking(), {_WITH}")
def ranking(
    of: Rate | Mean = rate, *, top: int = 1, best: str | None = None, lowest: bool = False
) -> Ranking:
    """Ask which of many models, or arms, is the best; all of them are sampled in one test.

    Supported when one is left that may be the best; refuted only if `best` names one, and it is not.

    Args:
        of: What is compared: `rate`, `rate("name")` or `mean(low, high)`.
        top: Ask for the first `top` instead, in any order; from 1, less than there are arms.
        best: Claim that this one is the best: a model id, or an arm's name.
        lowest: The lowest rate or mean is the best one.

    Raises:
        UsageError: `of` is not a rate or mean, or another argument is not valid.

    >>> ranking(), ranking(mean(0, 10), top=3), ranking(rate("asr"), lowest=True)
    (ranking(), ranking(mean(0, 10), top=3), ranking(rate("asr"), lowest=True))
    """
    if not isinstance(of, Rate | Mean):
        raise UsageError(
            f"a ranking is of a rate or mean(low, high), got {_given(of)}",
            fix=f"ranking(), {_WITH}" if isinstance(of, str) else "ranking(mean(0, 10))",
        )
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise UsageError(f"top= must be a whole number, 1 or more, got {top!r}", fix="ranking(top=3)")
    if best is not None and (not isinstance(best, str) or not best):
        raise UsageError(
            f"best= must be a model id or an arm's name, got {best!r}", fix='ranking(best="openai/gpt-5")'
        )
    if best is not None and top > 1:
        raise UsageError(
            "best= claims who is the first, and top= asks for several", fix="leave one of them out"
        )
    if not isinstance(lowest, bool):
        raise UsageError(f"lowest= must be True or False, got {lowest!r}", fix="lowest=True")
    return Ranking(of=of, top=top, best=best, lowest=lowest)


@word("each_case(rate >= 0.95)")
def each_case(claim: Claim) -> EachCase:
    """Claim that a rate holds on every case; `cases=search(...)` looks for one on which it does not.

    It is refuted by a case that breaks it, confirmed on draws of its own, and never supported: that a search
    found nothing says little about the cases that it did not try.

    Args:
        claim: `rate >= x` or `rate <= x`, of trials on one and the same case.

    Raises:
        UsageError: It is another kind of claim.

    >>> each_case(rate >= 0.95), each_case(rate("leaked") <= 0.05)
    (each_case(rate >= 0.95), each_case(rate("leaked") <= 0.05))
    """
    one_sided = type(claim) is Claim and claim.direction is not Direction.WITHIN
    if not one_sided or type(claim.statistic) is not Rate:
        what = f"`{claim}`" if isinstance(claim, Claim) else repr(claim)
        raise UsageError(
            f"each_case() takes a claim about a rate, with >= or <=, got {what}",
            fix="each_case(rate >= 0.95)",
        )
    return EachCase(claim=claim)


def _given(value: object) -> str:
    """Return what was given as it was written; a function is one that was not called."""
    name = getattr(value, "__name__", "")
    return f"`{name}` without its arguments" if name and callable(value) else repr(value)
