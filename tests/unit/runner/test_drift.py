"""Draws that drift: the interval beside an estimate never excludes it, and the report says why."""

from __future__ import annotations

import random

import pytest

from pytest_velo import difference, estimate, mean, rate
from pytest_velo.records import Invalid
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import as_text
from pytest_velo.report.summary import summary_lines
from pytest_velo.runner.result import result_of
from pytest_velo.verdicts import Verdict
from support.runs import sampled

NO_THEN_YES = [0.0] * 150 + [1.0] * 250
LEVELS = {"alpha": 1e-6, "beta": 1e-6}  # so strict that no verdict comes before the change
JOINT = (rate("a") >= 0.5) & (rate("b") >= 0.2)
PAIRS = [outcome for value in NO_THEN_YES for outcome in (value, 1.0 - value)]


def holds(result):
    """Whether no interval of a result excludes its own estimate."""
    evidence = result.decision.evidence
    shown = [(evidence.estimate, evidence.interval)]
    shown += [(part.estimate, part.interval) for part in result.decision.parts]
    return all(
        ends.low - 1e-9 <= value <= ends.high + 1e-9 for value, ends in shown if value is not None and ends
    )


def drifts(result):
    return any("drift" in notice for notice in result.notices)


@pytest.mark.parametrize(
    ("claim", "outcomes", "changes"),
    [
        (mean(0, 1) >= 0.5, NO_THEN_YES, {"min_units": 400}),
        (estimate(rate, halfwidth=0.01), NO_THEN_YES, {}),
        (estimate(mean(0, 1), halfwidth=0.01), NO_THEN_YES, {}),
        (JOINT, [{"a": value, "b": value} for value in NO_THEN_YES], {"min_units": 400}),
        (difference("a", "b") >= 0, PAIRS, {"arms": ("a", "b"), "min_units": 400}),
        (difference("a", "b") >= 0.1, PAIRS, {"arms": ("a", "b"), "min_units": 400}),
    ],
    ids=lambda value: str(value) if not isinstance(value, list | dict) else "",
)
def test_first_150_no_then_yes(claim, outcomes, changes):
    result = result_of(sampled(claim, outcomes, **{**LEVELS, **changes}))

    assert holds(result)
    assert drifts(result)
    assert as_text(summary_lines([result], wall_s=1.0))
    assert "drift" in as_text(failure_lines(result, show=0))


def test_an_estimate_is_not_measured_by_an_interval_that_closed_on_nothing():
    result = result_of(sampled(estimate(rate, halfwidth=0.06), [0.0] * 20 + [1.0] * 280, alpha=0.05))
    ends = result.decision.evidence.interval

    assert holds(result)
    assert ends.high - ends.low > 0.05 or result.decision.verdict is not Verdict.MEASURED


@pytest.mark.parametrize(("claim", "start"), [(rate >= 0.95, 1.0), (rate <= 0.05, 0.0)], ids=str)
def test_a_lucky_start_has_an_interval_around_what_was_observed(claim, start):
    outcomes = [start] * 40 + [1.0 - start] * 300
    result = result_of(sampled(claim, outcomes, alpha=1e-3, beta=1e-9))

    assert result.decision.verdict is Verdict.REFUTED
    ends = result.decision.evidence.interval
    assert ends.high <= 0.95 if start else ends.low >= 0.05  # it never contradicts the verdict
    assert holds(result)
    assert not drifts(result)  # luck explains it


def test_draws_of_one_law_are_not_said_to_drift():
    rng = random.Random(7)
    outcomes = [float(rng.random() < 0.5) for _ in range(300)]

    for claim in (rate >= 0.45, rate.within(0.2, 0.8), estimate(rate, halfwidth=0.08)):
        result = result_of(sampled(claim, outcomes))
        assert holds(result)
        assert not drifts(result)


def test_a_list_seen_to_its_end_has_one_value_left():
    result = result_of(sampled(rate >= 0.5, [1.0, 0.0] * 10, census=20))

    ends = result.decision.evidence.interval
    assert holds(result)
    assert not drifts(result)
    assert ends.low <= 0.5 <= ends.high


def test_invalid_trials_that_count_against_the_claim_are_in_the_estimate():
    result = result_of(sampled(rate >= 0.5, [1.0] * 3 + [None] * 60, invalid=Invalid.AGAINST))

    evidence = result.decision.evidence
    assert result.decision.verdict is Verdict.REFUTED
    assert evidence.estimate == 3 / evidence.n
    assert holds(result)


def test_pairs_whose_arms_are_invalid_by_outcome_are_not_said_to_drift():
    outcomes = [0.0, 1.0] + [1.0, None] * 200  # the one whole pair is not like the others
    result = result_of(sampled(difference("a", "b") >= 0.5, outcomes, arms=("a", "b")))

    assert holds(result)
    assert not drifts(result)
