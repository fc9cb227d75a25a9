"""Which trials are shown: against the claim, for it, invalid, at random, changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.records import HypothesisResult, OutcomeKind, TrialRecord
from pytest_velo.report.chosen import Before, choose
from pytest_velo.report.terminal import as_text, failure_lines
from pytest_velo.settings import ShowKind
from support.reports import paired, refuted, trial


def invalid(index: int) -> TrialRecord:
    return trial(index, 0, kind=OutcomeKind.INVALID, values={})


def score(index: int, value: float) -> TrialRecord:
    return trial(index, 0, kind=OutcomeKind.VALUE, values={"": value})


def shown(result: HypothesisResult, kind: ShowKind, most: int | None = None, **how: object) -> list[int]:
    return [each.index for each in choose(result, kind, most, **how).trials]


ZEROS_AND_ONES = refuted(trials=(*(trial(n, n % 3 == 0) for n in range(9)), invalid(9)))


@pytest.mark.parametrize(
    ("claim", "against", "in_favour"),
    [
        ("rate >= 0.7", [1, 2, 4, 5, 7, 8], [0, 3, 6]),
        ("rate <= 0.7", [0, 3, 6], [1, 2, 4, 5, 7, 8]),
        ("rate >= 0.7 - 0.1 of ours", None, None),
    ],
)
def test_for_and_against_go_by_the_claim(claim: str, against: list[int], in_favour: list[int]) -> None:
    result = replace(ZEROS_AND_ONES, claim=claim)
    if against is None:
        assert choose(result, ShowKind.FOR).why_none
        return
    assert sorted(shown(result, ShowKind.AGAINST)) == against
    assert sorted(shown(result, ShowKind.FOR)) == in_favour
    assert shown(result, ShowKind.INVALID) == [9]
    assert choose(result, ShowKind.AGAINST, 2).total == len(against)


def test_all_trials_against_are_counted_although_a_record_lists_a_hundred() -> None:
    many = refuted(trials=tuple(trial(n, 0) for n in range(150)), telling=tuple(range(100)))
    assert choose(many, ShowKind.AGAINST).total == 150
    assert choose(many, ShowKind.FOR).total == 0


def test_the_farthest_scores_come_first() -> None:
    scores = refuted(claim="mean(0, 10) >= 7", trials=tuple(map(score, range(4), [6.0, 9.0, 1.0, 8.0])))
    assert shown(scores, ShowKind.AGAINST) == [2, 0]
    assert shown(scores, ShowKind.FOR, 1) == [1]


def test_an_estimate_has_no_sides_and_says_so() -> None:
    chosen = choose(replace(ZEROS_AND_ONES, claim="estimate(rate, halfwidth=0.1)"), ShowKind.FOR)
    assert chosen.why_none == "nothing is claimed, so no trial is for or against it"
    assert not chosen.turns


def test_pairs_stay_together_and_a_tie_is_on_no_side() -> None:
    assert shown(paired(), ShowKind.AGAINST) == [0, 1]
    assert shown(paired(), ShowKind.FOR) == []
    assert len(shown(paired(), ShowKind.RANDOM, 1)) == 2


def test_a_random_choice_is_the_same_again_and_another_with_another_seed() -> None:
    many = refuted(trials=tuple(trial(n, 0) for n in range(50)))
    once = shown(many, ShowKind.RANDOM, 5)
    assert once == shown(many, ShowKind.RANDOM, 5) == sorted(once)
    assert once != shown(many, ShowKind.RANDOM, 5, seed=1)


def test_changed_trials_name_their_outcome_in_the_earlier_run() -> None:
    before = refuted(trials=tuple(trial(n, n % 3 == (1 if n == 4 else 0)) for n in range(8)))
    chosen = choose(ZEROS_AND_ONES, ShowKind.CHANGED, before=Before(run="then", result=before))
    assert [each.index for each in chosen.trials] == [4]
    assert chosen.trials[0].notes == ("in run then: 1",)
    assert choose(ZEROS_AND_ONES, ShowKind.CHANGED).why_none == "no earlier run has this test"


def test_a_stored_partner_is_the_earlier_run_and_a_body_cannot_pose_as_one() -> None:
    noted = [
        ("in the baseline: 0", "in the baseline: 1"),
        ("in the baseline: 1",),
        ("in the baseline: invalid",),
    ]
    result = refuted(
        claim="rate >= baseline - 0.1",
        trials=tuple(trial(n, 1, notes=notes) for n, notes in enumerate(noted)),
    )
    assert shown(result, ShowKind.CHANGED) == [2]


def test_what_was_chosen_is_shown_with_how_many_there_are() -> None:
    chosen = choose(ZEROS_AND_ONES, ShowKind.FOR, 2)
    light = replace(ZEROS_AND_ONES, trials=chosen.trials)
    text = as_text(failure_lines(light, 2, kind=ShowKind.FOR))
    assert "trials for the claim: 2 of 3 (velo show has all)" in text
    none = replace(ZEROS_AND_ONES, trials=())
    assert "trials that came out otherwise before: none" in as_text(
        failure_lines(none, 2, kind=ShowKind.CHANGED)
    )
