"""Small samples are told before they are paid for, in words that name what is assumed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_velo import cases, difference, mean, rate
from pytest_velo.case_sets import load
from pytest_velo.claims import AnyClaim
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.power import low_power
from pytest_velo.designing.spec import Spec
from pytest_velo.errors import UsageError
from pytest_velo.runner.frame import Frame, Over
from pytest_velo.settings import Settings


def frame_of(claim: AnyClaim, n_groups: int = 10, n_each: int = 8, **options: Any) -> Frame:
    """Return the frame of a claim about groups of cases; without groups if there are none."""
    rows = [{"q": f"{group} {n}", "group": str(group)} for group in range(n_groups) for n in range(n_each)]
    source = cases(rows, group="group") if n_each > 1 else rows
    loaded = load(source, base=Path())
    arms = options.pop("arms", ())
    options = {"over": Over.POPULATION, **options} | ({"arms": arms} if arms else {})
    return make_frame(Spec(claim=claim, options=options), loaded, Settings())


def told(claim: AnyClaim, expect: float | None = None, **given: Any) -> str | None:
    return low_power(claim, frame_of(claim, **given), expect)


def test_few_groups_say_which_rate_they_see_if_none_is_expected() -> None:
    said = told(rate >= 0.5)
    assert said is not None
    found = re.fullmatch(
        r"10 groups: a rate is seen with 80% power from (\S+) up where every group is all or nothing"
        r" \(ICC 1\); from (\S+) up where the cases of a group are independent \(ICC 0\)",
        said,
    )
    assert found is not None
    alike, free = map(float, found.groups())
    assert 0.9 < alike < 1.0
    assert 0.7 < free < 0.85


def test_below_a_threshold_it_is_from_there_down() -> None:
    said = told(rate <= 0.4, n_groups=14)
    assert said is not None
    assert re.search(r"from 0\.0\d+ down where every group", said)


def test_many_groups_are_not_warned_of() -> None:
    assert told(rate >= 0.5, n_groups=60) is None
    assert told(rate >= 0.3, n_groups=49) is None  # half way up is seen even if groups are all or nothing


def test_what_is_expected_is_told_with_the_groups_that_are_needed() -> None:
    said = told(rate >= 0.5, 0.6)
    assert said is not None
    assert re.fullmatch(
        r"10 groups: \d% power at the rate you expect \(expect=0.6\) where every group is all or nothing"
        r" \(ICC 1\), <1% where the cases of a group are independent \(ICC 0\); 3\d\d and 3\d groups are"
        r" needed for 80%",
        said,
    )
    assert told(rate >= 0.5, 0.98) is None


def test_what_makes_the_claim_false_is_told_so() -> None:
    said = told(rate >= 0.5, 0.3)
    assert said is not None
    assert said.endswith("at it, `rate >= 0.5` is false")


def test_groups_of_pairs_and_cases_drawn_several_times_too() -> None:
    claim = difference("a", "b") >= 0
    said = told(claim, 0.2, arms=("a", "b"))
    assert said is not None
    assert "at the difference you expect (expect=0.2) where every group is all or nothing (ICC 1)" in said
    assert "and so are its arms" in said
    said = told(rate >= 0.5, 0.55, n_groups=30, n_each=1, draws_per_case=4)
    assert said is not None
    assert said.startswith("30 cases: ")
    assert "the draws of a case are independent (ICC 0)" in said


def test_single_pairs_have_a_power_too() -> None:
    claim = difference("a", "b") >= 0
    said = told(claim, 0.05, n_groups=80, n_each=1, arms=("a", "b"))
    assert said is not None
    assert said.startswith("80 pairs: ")
    assert "where the outcomes of every pair differ (the worst case)" in said
    assert told(claim, 0.6, n_groups=80, n_each=1, arms=("a", "b")) is None


@pytest.mark.parametrize(
    ("claim", "expect", "what"),
    [
        (rate >= 0.5, -0.2, "is no value of `rate`, which lies between 0 and 1"),
        (mean(0, 10) >= 5, 0.5, "expect= needs one claim about outcomes of 0 or 1"),
    ],
)
def test_what_cannot_be_expected_is_refused(claim: AnyClaim, expect: float, what: str) -> None:
    with pytest.raises(UsageError, match=re.escape(what)):
        told(claim, expect)


def test_scores_without_an_expectation_are_not_warned_of() -> None:
    assert told(mean(0, 10) >= 5) is None


@pytest.mark.parametrize(("futility", "is_told"), [(0.05, True), (0.0, False)], ids=["default", "off"])
def test_the_power_of_single_trials_is_that_of_a_run_which_may_give_up(
    futility: float, is_told: bool
) -> None:
    """That of the rule alone is 52%, and a run ends where a verdict has become unlikely."""
    frame = make_frame(Spec(claim=rate >= 0.5, options={"futility": futility}), None, Settings())
    said = low_power(rate >= 0.5, frame, 0.58)
    assert (said is not None) == is_told
    assert said is None or said.endswith("`rate >= 0.5` is supported in only 50% of runs")
