"""Families of hypotheses: the last step of Holm's procedure or of e-BH, at the end of a session.

While a family is sampled, every member is tested at level alpha/m, the first step of Holm's procedure. So a
member's own verdict holds whatever becomes of the others, in any order and in any process. The further steps
need the others' p-values and happen here: a member that ended inconclusive may still be supported or refuted.

**Why these p-values are valid.** A member's p-value is that of its rule with its horizon: the running maximum
of the evidence against the null, compared with the law of that maximum over the whole horizon (or with
Ville's bound). It is a sequence that only falls as units come in, and the probability that it ever reaches x
or less is at most x. The level at which the member was sampled only decides when it stops; that is one more
stopping time and does not enter the p-value. Holm's procedure makes no assumption about how the members
depend on each other, so they may share draws.

**e-BH.** A member of a family under `ebh` is tested by evidence that Ville's inequality bounds, and stops at
m/alpha, where e-BH rejects it whatever the others do. At the end, its e-value is that of its last trial,
which is an e-value because it stopped by its own data alone; so members may share draws here, too. One that
was decided the other way counts with e = 0, which only makes it smaller. So does one that a budget or Ctrl-C
ended, that waits for labels, or whose recorded trials were used up in a rescoring (whatever ended the
record): that may depend on the others' data. What stood before stays.

**Unequal levels.** Adjusted p-values are compared with each member's own alpha. Those at most `a` are exactly
what Holm rejects at level `a`, so P(any wrong verdict among members of level `a` or less) is at most `a`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from pytest_velo.records import Family, HypothesisResult, Outcome
from pytest_velo.stats.multiplicity import e_bh, holm
from pytest_velo.verdicts import Evidence, StopReason, Verdict

_BY_OTHERS = {
    StopReason.BUDGET,
    StopReason.INTERRUPTED,
    StopReason.RECORD_ENDS,
    StopReason.UNLABELLED,
}


class _Steps(NamedTuple):
    """A member's adjusted p-values relative to its levels; above 1: not rejected."""

    support: float
    refute: float


def settle(results: Sequence[HypothesisResult]) -> list[HypothesisResult]:
    """Return the results of a session, in their order, after the last step in every family.

    Members get their adjusted p-values, and inconclusive ones that the step-down decides get the verdict.
    Results without a family, and families that are already settled, stay as they are.

    Source: Holm (1979), see `holm`.
    """
    families: defaultdict[str, list[int]] = defaultdict(list)
    for place, result in enumerate(results):
        if result.family is not None:
            families[result.family.name].append(place)
    settled = list(results)
    for places in families.values():
        for place, member in zip(places, _settle([results[place] for place in places]), strict=True):
            settled[place] = member
    return settled


def _settle(members: Sequence[HypothesisResult]) -> list[HypothesisResult]:
    if any(member.family is not None and member.family.procedure == "ebh" for member in members):
        support = _by_e_values(members, lambda evidence: evidence.log_e_support, Outcome.REFUTED)
        refute = _by_e_values(members, lambda evidence: evidence.log_e_refute, Outcome.SUPPORTED)
        return [_member(each, *p_values) for each, *p_values in zip(members, support, refute, strict=True)]
    support = _adjusted(members, lambda evidence: evidence.p_support)
    refute = _adjusted(members, lambda evidence: evidence.p_refute)
    return [_member(member, *p_values) for member, *p_values in zip(members, support, refute, strict=True)]


def _by_e_values(
    members: Sequence[HypothesisResult], log_e_of: Callable[[Evidence], float | None], other: Outcome
) -> tuple[float, ...]:
    """Return e-BH's adjusted p-values; members without a result, or with the `other` one, have e = 0."""
    values = [_log_e(member, log_e_of, other) for member in members]
    padded = values + [-math.inf] * (_size(members) - len(members))
    return e_bh(padded, 0.5).p_values[: len(members)]  # the level is compared later


def _log_e(member: HypothesisResult, log_e_of: Callable[[Evidence], float | None], other: Outcome) -> float:
    evidence = _evidence(member)
    if evidence is None or member.outcome is other or _stopped_by_others(member):
        return -math.inf
    found = log_e_of(evidence)
    return -math.inf if found is None else found


def _stopped_by_others(member: HypothesisResult) -> bool:
    """Tell whether more than its own data may have ended a member.

    A budget is shared, a person sees all; a rescored record may have ended by either, and people label as
    many trials as they like.
    """
    return member.decision is not None and member.decision.stop in _BY_OTHERS


def _size(members: Sequence[HypothesisResult]) -> int:
    return max([len(members), *(member.family.size for member in members if member.family is not None)])


def _adjusted(
    members: Sequence[HypothesisResult], p_of: Callable[[Evidence], float | None]
) -> tuple[float, ...]:
    """Return Holm's adjusted p-values; members without a result count with p = 1."""
    p_values = [1.0 if (evidence := _evidence(member)) is None else p_of(evidence) for member in members]
    padded = [1.0 if p is None else p for p in p_values] + [1.0] * (_size(members) - len(members))
    return holm(padded, 0.5).p_values[: len(members)]  # the level is compared later, for each member


def _evidence(member: HypothesisResult) -> Evidence | None:
    """Return the evidence of a member that finished; an error has none, whatever it saw before."""
    if member.outcome is Outcome.ERROR or member.decision is None:
        return None
    return member.decision.evidence


def _member(result: HypothesisResult, p_support: float, p_refute: float) -> HypothesisResult:
    family = result.family
    assert family is not None  # the caller took members only
    if _evidence(result) is None:
        return result
    known = replace(family, p_support=p_support, p_refute=p_refute)
    verdict = _verdict(_Steps(p_support / family.alpha, p_refute / family.beta))
    if result.outcome is not Outcome.INCONCLUSIVE or verdict is Verdict.INCONCLUSIVE:
        return replace(result, family=known)
    return _decided(result, replace(known, by_steps=True), verdict)


def _verdict(steps: _Steps) -> Verdict:
    """Return the step-down's verdict; if it rejects both ways, the one with the smaller p for its level."""
    if steps.support <= 1.0 and steps.support < steps.refute:
        return Verdict.SUPPORTED
    if steps.refute <= 1.0 and steps.refute < steps.support:
        return Verdict.REFUTED
    return Verdict.INCONCLUSIVE


def _decided(result: HypothesisResult, family: Family, verdict: Verdict) -> HypothesisResult:
    """Return an undecided result with the verdict of the step-down; its stop reason stays."""
    assert result.decision is not None  # it has evidence
    supported = verdict is Verdict.SUPPORTED
    decision = replace(
        result.decision,
        verdict=verdict,
        certified=family.if_supported if supported else family.if_refuted,
    )
    return replace(
        result,
        outcome=Outcome.SUPPORTED if supported else Outcome.REFUTED,
        decision=decision,
        family=family,
        problem="",
    )
