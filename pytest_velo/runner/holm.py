"""Families of hypotheses: Holm's step-down over the p-values of those that ended, at the end of a session.

While a family is sampled every member is tested at level alpha/m, the first step of Holm, so a member's own
verdict holds whatever becomes of the others, in any order and in any process. The further steps need the
others' p-values, and come here: a member that ended inconclusive may still be supported or refuted.

**Why these p-values may be used.** A member's p-value is that of its rule with its horizon: the running
maximum of the evidence against the null, set against the law of that maximum over the whole horizon (or
Ville's bound). It is one sequence that only falls as units come in, and the probability that it ever gets to
x or below is at most x. The level the member was sampled at decides only when it stops, which is one more
stopping time; it does not enter the p-value. Holm needs no more: nothing is asked of how the members depend
on each other, so they may share draws.

**Unequal levels.** Adjusted p-values are set against each member's own alpha. Those at most `a` are what Holm
rejects at level `a`, so the wrong verdicts among members of level `a` or less come with probability `a` at
most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from pytest_velo.records import Family, HypothesisResult, Outcome
from pytest_velo.stats.multiplicity import holm
from pytest_velo.verdicts import Evidence, Verdict


class _Steps(NamedTuple):
    """How far a member's adjusted p-values are below its levels; above 1: not rejected."""

    support: float
    refute: float


def settle(results: Sequence[HypothesisResult]) -> list[HypothesisResult]:
    """Return the results of a session, in their order, after the step-down in every family.

    Args:
        results: All results, in families or not.

    Returns:
        Members with their adjusted p-values; those that were inconclusive and that the step-down decides with
        the verdict. What is in no family, and what is settled already, stays as it is.

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
    support = _adjusted(members, lambda evidence: evidence.p_support)
    refute = _adjusted(members, lambda evidence: evidence.p_refute)
    return [_member(member, *p_values) for member, *p_values in zip(members, support, refute, strict=True)]


def _adjusted(
    members: Sequence[HypothesisResult], p_of: Callable[[Evidence], float | None]
) -> tuple[float, ...]:
    """Return Holm's adjusted p-values; members that are not among `members` count with p = 1."""
    p_values = [1.0 if (evidence := _evidence(member)) is None else p_of(evidence) for member in members]
    size = max([len(members), *(member.family.size for member in members if member.family is not None)])
    padded = [1.0 if p is None else p for p in p_values] + [1.0] * (size - len(members))
    return holm(padded, 0.5).p_values[: len(members)]  # the level is compared later, for each member


def _evidence(member: HypothesisResult) -> Evidence | None:
    """Return the evidence of a member that came to an end; an error is none, whatever it had seen."""
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
    """Return what the step-down says; where it rejects both ways, that with the smaller p for its level."""
    if steps.support <= 1.0 and steps.support < steps.refute:
        return Verdict.SUPPORTED
    if steps.refute <= 1.0 and steps.refute < steps.support:
        return Verdict.REFUTED
    return Verdict.INCONCLUSIVE


def _decided(result: HypothesisResult, family: Family, verdict: Verdict) -> HypothesisResult:
    """Return an undecided result with the verdict of the step-down; why it stopped sampling stays."""
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
