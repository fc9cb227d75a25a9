"""The evidence path of a recorded hypothesis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_velo.claims import AnyClaim, baseline, difference, estimate, mean, rate
from pytest_velo.records import CovariateSeen, HypothesisResult, TruthSeen
from pytest_velo.report.page.path import MOST_LOOKS, path_of
from pytest_velo.report.truth import truth_from_json, truth_to_json
from pytest_velo.runner.result import result_of
from support.runs import sampled

SEEN = CovariateSeen(
    name="topic",
    used=True,
    expected=0.5,
    declared=False,
    correlation=0.6,
    adjusted=0.7,
    n_saved=None,
    low=-1.0,
    high=1.0,
    variance=1.0,
    centres={},
    kinds={},
    shares={"a": 1.0},
)
TRUTH = TruthSeen(
    source="labels.csv",
    every=0,
    n_judged=0,
    n_labelled=0,
    n_skipped=0,
    n_waiting=0,
    n_changed=0,
    judged=None,
    judged_interval=None,
    correlation=None,
    agreement=None,
    n_alone=None,
    labels={},
)
HALF = [1.0, 0.0, 1.0] * 8


def result(claim: AnyClaim = rate >= 0.2, outcomes: Any = HALF, **fields: Any) -> HypothesisResult:
    return result_of(sampled(claim, outcomes, **fields))


@pytest.mark.parametrize(
    ("claim", "outcomes", "fields"),
    [
        (rate >= 0.2, HALF, {}),
        (rate >= 0.9, HALF, {}),
        (rate >= 0.6, [None, *HALF], {}),
        (rate.within(0.1, 0.9), HALF, {}),
        (mean(0, 10) >= 5, [4.0, 6.0] * 10, {}),
        (difference("a", "b") >= 0.1, [1.0, 0.0] * 20, {"arms": ("a", "b")}),
        ((rate("x") >= 0.2) & (rate("y") >= 0.2), [{"x": 1.0, "y": 0.0}] * 9, {}),
        (estimate(rate, halfwidth=0.3), HALF, {}),
        (rate >= 0.2, HALF, {"extend": True}),
    ],
    ids=str,
)
def test_it_ends_at_what_is_recorded(claim: AnyClaim, outcomes: Any, fields: dict[str, Any]) -> None:
    recorded = result(claim, outcomes, **fields)
    path = path_of(recorded)
    assert path is not None
    assert path.followed
    evidence = recorded.decision.evidence
    assert path.n[-1] == evidence.n
    if evidence.log_e_support is None:
        assert path.log_e == ()
    else:
        assert path.log_e[-1] == (evidence.log_e_support, evidence.log_e_refute)
    parts = [part.estimate for part in recorded.decision.parts] or [evidence.estimate]
    assert [estimates[-1] for estimates in path.estimates] == parts


def test_it_is_decided_where_it_reaches_a_boundary() -> None:
    path = path_of(result(rate >= 0.9))
    support, refute = path.boundaries
    assert path.log_e[-1][1] >= refute
    assert all(for_it < support and against < refute for for_it, against in path.log_e[:-1])


def test_a_long_run_has_a_bounded_number_of_looks() -> None:
    path = path_of(result(estimate(rate, halfwidth=0.01), [1.0, 0.0] * 200))
    assert len(path.n) <= MOST_LOOKS + 1
    assert path.n[-1] == 400


def test_a_rule_of_another_kind_leaves_the_running_estimate_alone() -> None:
    recorded = result()
    evidence = replace(recorded.decision.evidence, log_e_support=1.25, rule="of a plugin")
    path = path_of(replace(recorded, decision=replace(recorded.decision, evidence=evidence)))
    assert not path.followed
    assert path.log_e == ()
    assert path.boundaries is None
    assert path.estimates[0][-1] == evidence.estimate


@pytest.mark.parametrize(
    "fields",
    [{"claim": "median >= 3"}, {"claim": str(rate >= baseline - 0.05)}, {"trials": ()}, {"decision": None}],
    ids=["a claim of a plugin", "a baseline", "no trials", "an error"],
)
def test_there_is_none_where_the_record_does_not_tell(fields: dict[str, Any]) -> None:
    assert path_of(replace(result(), **fields)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"covariate": replace(SEEN, low=0.5)},
        {"covariate": replace(SEEN, variance=-1.0)},
        {"covariate": replace(SEEN, shares={"a": 0.0})},
        {"alpha": 2.0},
        {"truth": TRUTH},
    ],
    ids=["no range", "no variance", "no share", "no level", "no block"],
)
def test_what_cannot_have_been_a_design_is_no_path_and_no_traceback(fields: dict[str, Any]) -> None:
    path = path_of(replace(result(), **fields))
    assert path is None or not path.followed


def test_blocks_of_no_trial_are_refused_where_a_record_is_read() -> None:
    assert truth_from_json({**truth_to_json(TRUTH), "every": 20}) == replace(TRUTH, every=20)
    with pytest.raises(ValueError, match="one trial in 0"):
        truth_from_json(truth_to_json(TRUTH))


INVALID_ONCE = [None, *[1.0, 0.0, 0.0] * 60]


@pytest.mark.parametrize(
    ("claim", "outcomes"),
    [(estimate(rate, halfwidth=0.2), INVALID_ONCE), ((rate("x") <= 0.9) & (rate("y") >= 0.2), None)],
    ids=["an estimate", "several parts"],
)
def test_where_the_rule_of_today_ends_sooner_the_running_estimate_is_left(claim: Any, outcomes: Any) -> None:
    """As for a record from before its rule was better: what was drawn then is all there."""
    if outcomes is None:
        outcomes = [{"x": 0.0, "y": 1.0}, {"x": 1.0, "y": 1.0}] * 40
    longer = result_of(sampled(claim, outcomes, min_units=70))
    assert longer.decision.evidence.n >= 70
    sooner = result_of(sampled(claim, outcomes))
    assert sooner.decision.evidence.n < 70
    path = path_of(longer)
    assert (path.followed, path.log_e, path.boundaries) == (False, (), None)
    assert (path.n[-1], list(path.n)) == (longer.decision.evidence.n, sorted(set(path.n)))
    parts = [part.estimate for part in longer.decision.parts] or [longer.decision.evidence.estimate]
    assert [estimates[-1] for estimates in path.estimates] == parts


def test_a_part_of_the_trials_is_no_path() -> None:
    recorded = result(rate >= 0.9)
    assert path_of(replace(recorded, trials=recorded.trials[:2])) is None
