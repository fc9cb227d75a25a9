"""F02: invalid trials that were left out, so many that the verdict hangs on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.claims import Claim, Direction
from pytest_velo.found import Level
from pytest_velo.records import Invalid, OutcomeKind, UnitKind
from pytest_velo.verdicts import Evidence, Verdict

_SINGLE = (UnitKind.TRIAL, UnitKind.PAIR, UnitKind.OUTCOME)


def estimates_at_worst(
    estimate: float,
    n_valid: int,
    n_invalid: int,
    span: tuple[float, float],
    *,
    counted_as: float | None = None,
) -> tuple[float, float]:
    """Return the least and the greatest mean that there may be had the invalid trials come out.

    `counted_as` is the end of the span at which they are in the estimate; None if they are no part of it.
    """
    n = n_valid + n_invalid
    whole = estimate * n_valid if counted_as is None else estimate * n - counted_as * n_invalid
    least, greatest = ((whole + end * n_invalid) / n for end in span)
    return max(span[0], least), min(span[1], greatest)


def _look(seen: Seen) -> Iterator[Remark]:
    decision = None if seen.result is None else seen.result.decision
    if decision is None or seen.frame.invalid is Invalid.BOUND or seen.frame.unit not in _SINGLE:
        return  # under `bound` the verdict holds whichever way they would have gone
    evidence, claims = decision.evidence, _claims(seen)
    n_valid = evidence.n_for + evidence.n_against
    estimates = [part.estimate for part in decision.parts] or [evidence.estimate]
    if not evidence.n_invalid or not claims or len(claims) != len(estimates) or not n_valid:
        return
    turned = [
        _turns(claim, estimate, evidence, decision.verdict, counted=seen.frame.invalid is Invalid.AGAINST)
        for claim, estimate in zip(claims, estimates, strict=True)
    ]
    # All parts of a joint claim must hold, and any that does not refutes it.
    enough = any(turned) if decision.verdict is Verdict.SUPPORTED else all(turned)
    if enough:
        said = next(each for each in turned if each is not None)
        yield Remark(
            message=f"{evidence.n_invalid:,} of {n_valid + evidence.n_invalid:,} trials are invalid, and had"
            f" they gone the other way, {said}: what is {decision.verdict} hangs on them",
            fix='look at why they are invalid (velo show), or count them: invalid="bound"',
            trials=(trial.index for trial in seen.trials if trial.kind is OutcomeKind.INVALID),
        )


def _claims(seen: Seen) -> Sequence[Claim]:
    """Return the parts of a claim of ours."""
    parts: Sequence[Claim] = getattr(seen.claim, "parts", ())
    return parts if all(type(part) is Claim for part in parts) else ()


def _turns(
    claim: Claim, estimate: float | None, evidence: Evidence, verdict: Verdict, *, counted: bool
) -> str | None:
    """Say what would have been observed on the other side of a threshold; None if nothing would."""
    if estimate is None:
        return None
    scale, statistic = claim.statistic.scale, claim.statistic
    n_valid, n_invalid = evidence.n_for + evidence.n_against, evidence.n_invalid
    worst = scale.low if claim.direction is Direction.AT_LEAST else scale.high
    span, counted_as = (scale.low, scale.high), worst if counted else None
    ends = estimates_at_worst(estimate, n_valid, n_invalid, span, counted_as=counted_as)
    if verdict is Verdict.SUPPORTED:
        other = [end for end in ends if not _holds(claim, end)]
    elif verdict is Verdict.REFUTED:
        other = [end for end in ends if _holds(claim, end)]
    else:
        return None
    return f"{statistic} would be {other[0]:.3g} instead of {estimate:.3g}" if other else None


def _holds(claim: Claim, value: float) -> bool:
    match claim.direction:
        case Direction.AT_LEAST:
            return value >= claim.threshold
        case Direction.AT_MOST:
            return value <= claim.threshold
        case Direction.WITHIN:
            assert claim.low is not None  # a claim of two ends has both
            assert claim.high is not None
            return claim.low <= value <= claim.high


CHECK = Check(
    code="F02",
    name="invalid flips",
    sees="Had the invalid trials gone the other way, the claim would have come out differently.",
    look=_look,
    level=Level.WARNING,
    page=address_of("F02", "invalid flips"),
)
