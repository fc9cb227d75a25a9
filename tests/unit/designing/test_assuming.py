"""What hypotheses assume of each other: circles, and the order in which they are decided."""

from __future__ import annotations

import pytest

from pytest_velo.designing.assuming import circle_in, in_order, read_assumes, risk_of, risk_per_dollar


def test_a_circle_is_found_wherever_it_is_entered():
    assert circle_in({"d": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}) == ["a", "b", "c", "a"]
    assert circle_in({"a": ["a"]}) == ["a", "a"]
    assert circle_in({"a": ["b", "c"], "b": ["d"], "c": ["d"]}) == []
    assert circle_in({str(n): [str(n + 1)] for n in range(5_000)}) == []


def test_what_is_assumed_comes_first_and_of_it_the_largest_priority():
    assumes = {"leaf": ["low", "high"], "low": ["base"]}
    priority = {"low": 0.1, "high": 0.9, "base": 0.5}.__getitem__
    assert in_order(["leaf", "other", "low", "high", "base"], assumes, priority) == [
        "high",
        "base",
        "low",
        "leaf",
        "other",
    ]


def test_what_is_not_there_holds_nobody_up():
    assert in_order(["leaf"], {"leaf": ["deselected"]}, lambda _: 0.0) == ["leaf"]


def test_what_is_equal_keeps_its_order():
    assumes = {"z": ["b", "a", "c"]}
    assert in_order(["z", "b", "a", "c"], assumes, lambda _: 1.0) == ["b", "a", "c", "z"]


@pytest.mark.parametrize(
    ("predicted", "last", "risk"),
    [
        (0.25, "supported", 0.75),
        ("refuted", None, 0.9),
        (None, "supported", 0.1),
        (None, "inconclusive", 0.5),
        (None, None, 0.5),
        (True, None, 0.5),
        (7, None, 0.5),
    ],
)
def test_risk_is_predicted_else_that_of_the_last_verdict(predicted, last, risk):
    assert risk_of(predicted, last) == risk


def test_a_cheap_assumption_is_worth_more_than_a_dear_one_of_the_same_risk():
    assert risk_per_dollar(0.5, 0.0) > risk_per_dollar(0.5, 0.1) > risk_per_dollar(0.5, None)


@pytest.mark.parametrize("value", [[], "", 3, ["a", 3], None])
def test_what_names_no_test_is_refused(value):
    with pytest.raises(ValueError, match="a test function"):
        read_assumes(value)
