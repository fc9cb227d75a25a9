"""Keywords of a ranking, each mistake with its fix."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.claims import Ranking, mean, ranking, rate
from pytest_velo.designing.spec import checked, make_spec
from pytest_velo.errors import UsageError

MODELS = ["a/x", "b/y", "c/z"]


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
    ],
)
def test_a_mistake_is_said_before_a_call(claim: Ranking, keywords: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_spec(claim, checked(keywords, "the mark"))
    assert words in caught.value.what
    assert caught.value.fix


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
