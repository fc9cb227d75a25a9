"""Outcomes and observations in words, the same everywhere."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import assert_never

from pytest_velo.records import HypothesisResult, Invalid, Outcome, UnitKind
from pytest_velo.report.numbers import count, percent, rate
from pytest_velo.report.searches import search_observed
from pytest_velo.report.text import inline
from pytest_velo.verdicts import Evidence, PairCounts, Standings, StopReason, Verdict


def mark(outcome: Outcome) -> str:
    """Return the one-character mark of an outcome; `lines.fit_encoding` replaces it in ASCII."""
    match outcome:
        case Outcome.SUPPORTED:
            return "✓"
        case Outcome.REFUTED:
            return "✗"
        case Outcome.MEASURED:
            return "="
        case Outcome.INCONCLUSIVE:
            return "?"
        case Outcome.ERROR:
            return "!"
        case Outcome.SKIPPED:
            return "–"
    assert_never(outcome)


def stop_reason(stop: StopReason, verdict: Verdict) -> str:
    """Say why sampling stopped, to follow `because`."""
    if stop is StopReason.DECIDED and verdict is Verdict.MEASURED:
        return "the interval was narrow enough"
    return _STOP_REASONS[stop]


_STOP_REASONS: Mapping[StopReason, str] = {
    StopReason.DECIDED: "the evidence was strong enough",
    StopReason.MAX_TRIALS: "it reached max_trials",
    StopReason.CASES_EXHAUSTED: "every case was used",
    StopReason.FUTILITY: "a verdict within max_trials had become unlikely: below 5%, averaged over the values"
    " that fit the trials so far",
    StopReason.BUDGET: "the budget was used up",
    StopReason.INTERRUPTED: "it was interrupted",
    StopReason.NOT_COMPARABLE: "it cannot be compared with its baseline",
    StopReason.RECORD_ENDS: "the recorded trials were used up",
    StopReason.BASELINE_ENDS: "its baseline has no more trials",
    StopReason.ALL_INVALID: "the last trials were all invalid",
    StopReason.UNLABELLED: "the labels ran out",
}


def claim_text(result: HypothesisResult) -> str:
    """Return the claim, with what it is about if that is not every reply."""
    among = " among valid replies" if result.invalid is Invalid.EXCLUDE else ""
    return f"{result.claim}{among}"


def pairs_text(pairs: PairCounts, claim: str) -> str:
    """Say how the pairs of a difference came out: `260 pairs: a better in 56, b better in 14, alike in 190`.

    Better is what the claim calls so: a 1 where the claim is about more of them.
    """
    first, second = inline(pairs.first, 40), inline(pairs.second, 40)
    head = count(pairs.n, "pair")
    if not pairs.binary:
        ways = f"{first} higher in {pairs.n_first:,}, lower in {pairs.n_second:,}, equal in {pairs.n_equal:,}"
    elif re.search(r">= [^<>]*$", claim):
        ways = (
            f"{first} better in {pairs.n_first:,}, {second} better in {pairs.n_second:,},"
            f" alike in {pairs.n_equal:,}"
        )
    else:
        ways = (
            f"{first} alone came out 1 in {pairs.n_first:,}, {second} alone in {pairs.n_second:,},"
            f" alike in {pairs.n_equal:,}"
        )
    return f"{head}: {ways}"


def outside_text(outside: Mapping[str, int]) -> str:
    """Say that bodies opened connections of their own, and what follows from it."""
    shown = ", ".join(inline(address, 60) for address in [*outside][:_ADDRESSES])
    more = f" and {len(outside) - _ADDRESSES} more" if len(outside) > _ADDRESSES else ""
    return (
        f"{count(sum(outside.values()), 'connection')} outside the cache, opened by the body itself (to"
        f" {shown}{more}): what it asked there is in no cache, budget or transcript, and has no seed"
        ' (clients="adopt" in the mark makes draws of what clients over httpx ask a model; so do the fixtures'
        " `openai_client` and `anthropic_client`)"
    )


_ADDRESSES = 3


def n_trials(evidence: Evidence) -> int:
    """Count the trials of the evidence; `evidence.n` counts units, which may be whole cases or groups."""
    return evidence.n_for + evidence.n_against + evidence.n_invalid


def used_text(result: HypothesisResult, *, in_table: bool = False) -> str:
    """Say how many trials (pairs, cases, groups) were used, of at most how many: `19 of at most 200 trials`.

    In a table whose column is named after trials, these are not named again: `19 of ≤200`.
    """
    assert result.decision is not None  # the caller looked
    n, unit = result.decision.evidence.n, result.unit or UnitKind.TRIAL
    if not in_table:
        return f"{n:,} of at most {count(most_units(result), unit.value)}"
    things = "" if unit is UnitKind.TRIAL else f" {unit.value}s"
    return f"{n:,} of ≤{most_units(result):,}{things}"


def most_units(result: HypothesisResult) -> int:
    """Return how many trials (pairs, cases, groups) there could be: `max_trials`, or all that there are."""
    return result.max_trials if result.max_units is None else result.max_units


def observed(result: HypothesisResult) -> str:
    """Return what was observed: `0.85 (17/20)`, with the ones among valid trials, a mean, or each part's.

    It is `?` before any valid trial, and `no label` before any label where labels decide. After a difference
    follows the gain as a share of the gap to the ceiling, if there is one. A claim about a baseline says that
    it is a change.
    """
    if result.decision is None:
        return "?"
    decision, evidence = result.decision, result.decision.evidence
    if decision.standings is not None:
        return _leader(decision.standings)
    if decision.searched is not None:
        return search_observed(decision.searched)
    if decision.parts:
        return ", ".join(rate(part.estimate) for part in decision.parts)
    told = rate(evidence.estimate)
    if statistic_of(result.claim) == CHANGE:
        told = f"change {told}"
    if result.truth is not None:
        told = "no label" if evidence.estimate is None else f"true {told}"
    if evidence.n_ones is not None and evidence.estimate is not None:
        valid = evidence.n_for + evidence.n_against
        if valid and math.isclose(evidence.estimate, evidence.n_ones / valid, abs_tol=1e-9):
            told += f" ({evidence.n_ones:,}/{valid:,})"
    if evidence.share_of_gap is not None:
        told += f" ({percent(evidence.share_of_gap)} of the gap)"
    return told


def _leader(standings: Standings) -> str:
    """Say who leads a ranking, and how many may still win."""
    if all(arm.estimate is None for arm in standings.arms):
        return "?"
    n_open = sum(arm.may_win for arm in standings.arms)
    names = ", ".join(inline(name, 40) for name in standings.winners)
    return names or f"{n_open} of {len(standings.arms)} may win"


CHANGE = "change"


def statistic_of(claim: str) -> str:
    """Return the statistic of a claim in a word: rate, mean, difference, or change (from a baseline)."""
    if "baseline" in _NAMES.sub("", claim):
        return CHANGE
    word = re.split(r"\W", claim.removeprefix("estimate("), maxsplit=1)[0]
    return word if word in _STATISTICS else "mean"  # a custom claim may have any form


_STATISTICS = ("rate", "mean", "difference")
_NAMES = re.compile(r'"[^"]*"')
"""Names of outcomes and arms, which may contain any text."""
