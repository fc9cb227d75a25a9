"""Which trials a verdict counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.records import HypothesisResult, Invalid, Outcome, OutcomeKind, TrialRecord, UnitKind
from pytest_velo.report.frames.counted import counted, pairs_of
from pytest_velo.verdicts import Decision, Evidence, StopReason, Verdict


def trial(index: int, unit: int, size: int = 1, arm: str = "", kind: str = "one") -> TrialRecord:
    return TrialRecord(
        index=index,
        case_id=f"c{unit}",
        repeat=0,
        seed=0,
        arm=arm,
        unit=unit,
        unit_size=size,
        kind=OutcomeKind(kind),
        values={} if kind == "invalid" else {"": 1.0},
    )


def result(*trials: TrialRecord, n: int, claim: str = "rate >= 0.3", **changes: object) -> HypothesisResult:
    decision = Decision(
        verdict=Verdict.INCONCLUSIVE,
        stop=StopReason.INTERRUPTED,
        certified="",
        evidence=Evidence(n=n, n_for=0, n_against=0, rule="ville"),
    )
    made = HypothesisResult(
        node_id="t",
        belief="",
        claim=claim,
        scope="this body as it stands",
        outcome=Outcome.INCONCLUSIVE,
        unit=UnitKind.TRIAL,
        decision=decision,
        trials=trials,
    )
    return replace(made, **changes)


def test_a_unit_that_was_cut_off_does_not_count() -> None:
    trials = [trial(index, index // 3, 3) for index in range(8)]
    assert counted(result(*trials, n=2)) == {*range(6)}


def test_trials_after_the_verdict_do_not_count() -> None:
    assert counted(result(*(trial(index, index) for index in range(5)), n=3)) == {0, 1, 2}


@pytest.mark.parametrize(
    ("invalid", "found"), [(Invalid.BOUND, {0, 1}), (Invalid.EXCLUDE, {0, 2}), (Invalid.AGAINST, {0, 1})]
)
def test_an_invalid_trial_counts_unless_the_claim_is_about_valid_ones(invalid: Invalid, found: set) -> None:
    trials = [trial(0, 0), trial(1, 1, kind="invalid"), trial(2, 2)]
    assert counted(result(*trials, n=2, invalid=invalid)) == found


def test_a_pair_with_an_invalid_side_is_left_out_whole() -> None:
    trials = [trial(0, 0, 2, "a"), trial(1, 0, 2, "b", "invalid"), trial(2, 1, 2, "a"), trial(3, 1, 2, "b")]
    claim = 'difference("a", "b") >= 0.1'
    assert counted(result(*trials, n=1, claim=claim, invalid=Invalid.EXCLUDE)) == {2, 3}
    assert counted(result(*trials, n=2, claim=claim, invalid=Invalid.BOUND)) == {0, 1, 2, 3}


def test_an_arm_that_is_not_compared_counts_for_nothing() -> None:
    trials = [trial(index, 0, 3, arm) for index, arm in enumerate("abc")]
    assert counted(result(*trials, n=1, claim='difference("a", "c") >= 0.1')) == {0, 2}


def test_nothing_counts_where_there_is_no_decision() -> None:
    assert counted(result(trial(0, 0), n=0, decision=None)) == frozenset()


def test_an_older_record_of_groups_does_not_tell() -> None:
    unnamed = replace(trial(0, 0), unit=None, unit_size=None)
    older = result(unnamed, n=1, unit=None, scope="beyond these cases (unit: group)")
    assert counted(older) is None


def test_pairs_are_numbered_by_their_arms() -> None:
    assert pairs_of([trial(index, 0, arm="abc"[index % 3]) for index in range(5)]) == dict(
        enumerate([0, 0, 0, 1, 1])
    )
    assert pairs_of([trial(0, 0)]) == {}
