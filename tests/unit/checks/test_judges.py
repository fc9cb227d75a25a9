"""Judges that no labels were held against."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.checks.judges import resting_on
from support.asked import call, trial

JUDGED = (call("Hello?", "Hi"), call("Polite?", '{"answer": "yes"}', speaker="judge"))


def test_outcomes_that_rest_on_a_judge_are_counted() -> None:
    assert resting_on([trial(*JUDGED, index=n) for n in range(3)]) == {"lab/judge": 3}


def test_a_judge_that_is_held_against_labels_elsewhere_is_checked() -> None:
    assert resting_on([trial(*JUDGED)], ["lab/judge"]) == {}
    assert resting_on([trial(*JUDGED)], ["lab/other"]) == {"lab/judge": 1}


def test_labels_may_be_asked_about_in_the_trial_itself() -> None:
    label = call("Polite?", '{"answer": "yes"}', speaker="judge", slot="c:0:0:0123456789abcdef")
    assert resting_on([trial(call("Hello?", "Hi"), label, JUDGED[1])]) == {}


def test_a_test_that_asks_only_the_judge_about_labelled_cases_checks_it() -> None:
    assert resting_on([trial(JUDGED[1], text="Hi", label="yes")]) == {}
    assert resting_on([trial(*JUDGED, text="Hi", label="yes")]) == {"lab/judge": 1}


def test_no_judge_is_nothing_to_check() -> None:
    assert resting_on([trial(JUDGED[0])]) == {}


def test_a_stub_is_said_to_be_one_and_is_no_judge_to_check() -> None:
    stubbed = replace(JUDGED[1], model="stub/no-rubric-yet")
    assert resting_on([trial(JUDGED[0], stubbed)]) == {}
