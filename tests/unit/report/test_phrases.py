"""Outcomes and what was observed, in words, one way everywhere."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.records import Invalid, Outcome
from pytest_velo.report.phrases import claim_text, mark, n_trials, observed, pairs_text, stop_reason
from pytest_velo.verdicts import Evidence, StopReason, Verdict
from support.reports import paired, undecided


def test_every_outcome_has_a_mark() -> None:
    assert {str(outcome): mark(outcome) for outcome in Outcome} == {
        "supported": "✓",
        "refuted": "✗",
        "measured": "=",
        "inconclusive": "?",
        "error": "!",
        "skipped": "–",
    }


def test_stop_reason_completes_a_sentence() -> None:
    reasons = [stop_reason(stop, Verdict.INCONCLUSIVE) for stop in StopReason]
    assert f"stopped because {reasons[2]}" == "stopped because every case was used"
    assert len(set(reasons)) == len(StopReason)
    assert stop_reason(StopReason.DECIDED, Verdict.MEASURED) == "the interval was narrow enough"


def test_n_trials_counts_invalid_ones() -> None:
    assert n_trials(Evidence(n=2, n_for=5, n_against=2, n_invalid=1, rule="ville")) == 8


def test_observed_counts_or_mean() -> None:
    assert observed(undecided()) == "0.75 (150/200)"
    assert observed(undecided(n_ones=None, estimate=0.3, share_of_gap=0.6)) == "0.30 (60% of the gap)"


def test_pairs_are_counted_both_ways_and_a_tie_is_for_neither() -> None:
    pairs = paired().decision.evidence.pairs
    assert pairs_text(pairs, 'difference("a", "b") >= 0.3') == (
        "260 pairs: a better in 56, b better in 14, alike in 190"
    )
    assert pairs_text(pairs, 'difference("a", "b") <= 0.3') == (
        "260 pairs: a alone came out 1 in 56, b alone in 14, alike in 190"
    )
    scores = paired(binary=False).decision.evidence.pairs
    assert pairs_text(scores, 'difference("a", "b", of=mean(0, 10)) >= 1') == (
        "260 pairs: a higher in 56, lower in 14, equal in 190"
    )


def test_a_claim_about_valid_replies_says_so() -> None:
    assert claim_text(undecided()) == "rate >= 0.7"
    assert claim_text(replace(undecided(), invalid=Invalid.EXCLUDE)) == "rate >= 0.7 among valid replies"
