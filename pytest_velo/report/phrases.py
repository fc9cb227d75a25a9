"""Outcomes and observations in words, the same everywhere."""

from __future__ import annotations

from typing import assert_never

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.numbers import percent, rate
from pytest_velo.verdicts import Evidence, StopReason


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


def stop_reason(stop: StopReason) -> str:
    """Say why sampling stopped, to follow `because`."""
    match stop:
        case StopReason.DECIDED:
            return "the verdict was certain enough"
        case StopReason.MAX_TRIALS:
            return "it reached max_trials"
        case StopReason.CASES_EXHAUSTED:
            return "every case was used"
        case StopReason.FUTILITY:
            return "a verdict within max_trials had become unlikely"
        case StopReason.BUDGET:
            return "the budget was used up"
        case StopReason.INTERRUPTED:
            return "it was interrupted"
        case StopReason.NOT_COMPARABLE:
            return "it cannot be compared with its baseline"
        case StopReason.RECORD_ENDS:
            return "the recorded trials were used up"
        case StopReason.BASELINE_ENDS:
            return "its baseline has no more trials"
    assert_never(stop)


def n_trials(evidence: Evidence) -> int:
    """Count the trials of the evidence; `evidence.n` counts units, which may be whole cases or groups."""
    return evidence.n_for + evidence.n_against + evidence.n_invalid


def observed(result: HypothesisResult) -> str:
    """Return what was observed: `17/20` ones among valid trials, the mean, or each part's; `?` before any.

    After a difference follows the gain as a share of the gap to the ceiling, if there is one.
    """
    if result.decision is None:
        return "?"
    decision, evidence = result.decision, result.decision.evidence
    if decision.parts:
        return ", ".join(rate(part.estimate) for part in decision.parts)
    if evidence.n_ones is not None:
        return f"{evidence.n_ones}/{evidence.n_for + evidence.n_against}"
    if evidence.share_of_gap is not None:
        return f"{rate(evidence.estimate)} ({percent(evidence.share_of_gap)} of the gap)"
    return rate(evidence.estimate)
