"""Outcomes and what was observed, in words, one way everywhere."""

from __future__ import annotations

from pytest_velo.records import Outcome
from pytest_velo.report.phrases import mark, n_trials, observed, stop_reason
from pytest_velo.verdicts import Evidence, StopReason, Verdict
from support.reports import undecided


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
    assert observed(undecided()) == "150/200"
    assert observed(undecided(n_ones=None, estimate=0.3, share_of_gap=0.6)) == "0.30 (60% of the gap)"
