from dataclasses import replace

import pytest

from pytest_velo.records import CovariateSeen
from pytest_velo.report.covariates import (
    covariate_from_json,
    covariate_text,
    covariate_to_json,
    expected_text,
)

SEEN = CovariateSeen(
    name="learned by topic",
    used=True,
    expected=0.5,
    declared=False,
    correlation=0.61,
    adjusted=0.7,
    n_saved=40,
    low=-1.0,
    high=1.0,
    variance=1.0,
    centres={"q0": 0.1, "q1": -0.2},
    kinds={"q0": "a", "q1": "b"},
    shares={"a": 0.75, "b": 0.25},
)


def test_what_was_learned_is_written_and_read_and_older_records_have_nothing_of_it():
    data = covariate_to_json(SEEN)
    assert covariate_from_json(data) == SEEN
    older = {name: value for name, value in data.items() if name not in ("kinds", "shares")}
    assert covariate_from_json(older) == replace(SEEN, kinds=None, shares=None)


@pytest.mark.parametrize(
    "damaged",
    [
        {"shares": {"a": 0.75}},
        {"shares": {"a": 0.75, "b": 0.0}},
        {"shares": {"a": 0.75, "b": "much"}},
        {"shares": None},
        {"kinds": ["q0"]},
        {"low": 0.5},
        {"high": "much"},
        {"high": float("inf")},
        {"variance": -1.0},
        {"variance": None},
        {"expected": 2.0},
        {"centres": {"q0": "much"}},
    ],
    ids=str,
)
def test_what_no_covariate_can_have_said_is_refused(damaged):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        covariate_from_json({**covariate_to_json(SEEN), **damaged})


def test_it_is_said_why_what_is_learned_is_not_used():
    told = covariate_text(replace(SEEN, used=False, expected=0.3))
    assert (
        "the verdict does not use it (a correlation of 0.30 with the outcomes was expected on average" in told
    )
    planned = expected_text("learned by case", 0.5, 0.1, declared=False, used=True, learned=True)
    assert planned.startswith(
        "learned by case: a correlation of 0.50 with the outcomes is expected on average"
    )
    assert "saves about 10%" in planned


def test_nothing_saved_is_not_a_saving_of_about_nothing():
    told = covariate_text(replace(SEEN, n_saved=0))
    assert told.endswith("; it neither saved nor cost a trial (an estimate)")
    assert covariate_text(replace(SEEN, n_saved=-1)).endswith("; it cost about 1 trial (an estimate)")
