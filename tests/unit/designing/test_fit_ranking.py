"""Keywords of a ranking, each mistake with its fix."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.claims import Ranking, estimate, mean, ranking, rate
from pytest_velo.designing.fit_ranking import NOT_FOR_RANKINGS
from pytest_velo.designing.spec import KEYWORDS, checked, make_spec
from pytest_velo.errors import UsageError
from pytest_velo.truth import labels

MODELS = ["a/x", "b/y", "c/z"]


def test_of_two_one_is_the_first() -> None:
    with pytest.raises(UsageError) as caught:
        make_spec(ranking(top=2), checked({"models": MODELS[:2]}, "the mark"))
    assert caught.value.fix == "top=1, or leave it out"


@pytest.mark.parametrize(
    ("claim", "keywords", "words"),
    [
        (ranking(), {}, "models= names none"),
        (ranking(), {"models": ["a/x"]}, "only one"),
        (ranking(best="a/w"), {"models": MODELS}, "'a/w', which is not ranked"),
        (ranking(top=3), {"models": MODELS}, "leaves nobody out"),
        (ranking(top=2), {"models": MODELS, "margin": 0.1}, "the best one alone"),
        (ranking(), {"models": MODELS, "margin": 1.0}, "as wide as the range"),
        (ranking(), {"models": MODELS, "family": "mine"}, "would pay twice"),
        (ranking(), {"models": MODELS, "draws_per_case": 3}, "max_trials= says how many rounds"),
        (ranking(), {"models": MODELS, "once": True}, "recorded outcomes"),
        (ranking(), {"models": MODELS, "extend": True}, "never calibrated"),
        (
            ranking(),
            {"models": MODELS, "cases": ["a", "b"], "covariate": len},
            "one rate, mean or difference",
        ),
        (ranking(), {"models": MODELS, "truth": labels("labels.csv")}, "one rate or mean"),
        (ranking(), {"models": MODELS, "futility": 0.2}, "never given up"),
        (ranking(), {"models": MODELS, "invalid": "exclude"}, "two of them share no cases"),
    ],
)
def test_a_mistake_is_said_before_a_call(claim: Ranking, keywords: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_spec(claim, checked(keywords, "the mark"))
    assert words in caught.value.what
    assert caught.value.fix


def test_it_is_known_of_each_keyword_whether_a_ranking_takes_it() -> None:
    """`covariate=` and `truth=` were taken, and did nothing."""
    taken = {
        *(
            "cases",
            "arms",
            "models",
            "judge",
            "assumes",
            "alpha",
            "beta",
            "margin",
            "max_trials",
            "min_trials",
        ),
        *("over", "invalid", "predict", "stream", "tier", "clients", "allow_cut", "allow_empty", "silence"),
    }
    assert taken | {*NOT_FOR_RANKINGS} == {*KEYWORDS}
    assert not taken & {*NOT_FOR_RANKINGS}


def test_giving_up_may_be_turned_off_where_nothing_is_given_up() -> None:
    make_spec(ranking(), checked({"models": MODELS, "futility": "off"}, "the mark"))
    make_spec(estimate(rate, halfwidth=0.1), checked({"futility": "off"}, "the mark"))
    with pytest.raises(UsageError, match="no verdict to give up"):
        make_spec(estimate(rate, halfwidth=0.1), checked({"futility": 0.2}, "the mark"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ranking(rate >= 0.5),  # type: ignore[arg-type]
        lambda: ranking(top=0),
        lambda: ranking(top=True),
        lambda: ranking(best=""),
        lambda: ranking(best="a/x", top=2),
        lambda: ranking(lowest="yes"),  # type: ignore[arg-type]
        lambda: bool(ranking()),
        lambda: ranking() & (rate("a") >= 0.5),
        lambda: (rate("a") >= 0.5) & ranking(),
    ],
    ids=["claim", "no-top", "bool-top", "no-name", "both", "lowest", "truth", "and", "and-after"],
)
def test_a_ranking_that_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(UsageError):
        make()


def test_models_are_its_arms_unless_it_has_others() -> None:
    assert make_spec(ranking(), checked({"models": MODELS}, "the mark")).arms_are_models
    arms = make_spec(ranking(mean(0, 10)), checked({"models": MODELS, "arms": ["p", "q"]}, "the mark")).arms
    assert arms == ("p", "q")
