"""A call of `check`, read: what it asks, and its mistakes, before anything is sampled."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo import baseline, difference, estimate, mean, rate, scripted
from pytest_velo.claims import Claim
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.calls import Asked, place_of, read_call
from pytest_velo.records import Family
from pytest_velo.settings import Mode

MODEL = scripted("called", ["yes"])
OTHER = scripted("called too", ["no"])
CASES = ["one", "two"]


def agrees(model: Any, case: Any) -> bool:
    return bool(model(case) == "yes")


def prompted(model: Any, prompt: str) -> bool:
    return bool(model(prompt) == "yes")


def hinted(model: Any, arm: str) -> bool:
    return bool(model(arm) == "yes")


def read(claim: Any, body: Any, **given: Any) -> Asked:
    of_the_call = {name: given.pop(name) for name in ("over", "budget", "seed", "mode") if name in given}
    return read_call(claim, body, **of_the_call, keywords={"models": [MODEL], **given})


def test_cases_that_the_body_does_not_use_cannot_matter() -> None:
    def asks_the_same(model: Any) -> bool:
        return bool(model("Hm?") == "yes")

    with pytest.raises(UsageError, match="the cases cannot matter: the body does not use `case`") as caught:
        read(rate >= 0.5, asks_the_same, cases=CASES)
    assert caught.value.fix == "make `case` an argument of the body, or leave cases= out"


def test_a_call_is_one_hypothesis() -> None:
    asked = read(rate >= 0.5, agrees, cases=CASES, seed=3, mode="replay", budget=2.5, alpha=None)
    (member,) = asked.members
    assert (member.setting, member.warning) == (None, "")
    assert member.node_id.endswith("test_calls.py::agrees")
    assert (asked.settings.seed, asked.settings.mode, asked.settings.budget_usd) == (3, Mode.REPLAY, 2.5)
    assert asked.cases is not None
    assert len(asked.cases) == 2
    assert asked.over is None
    assert asked.where == "check(rate >= 0.5, agrees)"
    assert "alpha" not in asked.keywords, "None is what is not given"


def test_a_sweep_is_a_family_with_a_member_for_each_setting() -> None:
    asked = read(rate >= 0.5, prompted, over={"prompt": ["a", "b"], "model": [MODEL, OTHER]}, alpha=0.1)
    assert [member.node_id.partition("::")[2] for member in asked.members] == [
        f"prompted[{prompt}-{model}]" for prompt in "ab" for model in (MODEL, OTHER)
    ]
    assert [member.spec.options["models"] for member in asked.members] == [(MODEL,), (OTHER,)] * 2
    name = asked.members[0].node_id.partition("[")[0]
    assert {member.frame.family for member in asked.members} == {
        Family(name=name, size=4, alpha=0.1, beta=0.05)
    }


def test_estimates_of_a_sweep_are_no_family() -> None:
    asked = read(estimate(rate, halfwidth=0.2), prompted, over={"prompt": ["a", "b"]})
    assert [member.frame.family for member in asked.members] == [None, None]


def test_what_a_claim_is_about_is_no_sweep() -> None:
    (member,) = read(rate >= 0.5, agrees, cases=CASES, over="population", max_trials=2, alpha=0.3).members
    assert member.frame.over == "population"
    assert member.setting is None


def test_models_as_arms_are_one_finding() -> None:
    asked = read(difference(MODEL, OTHER) >= 0.0, prompted_once, models=[MODEL, OTHER], arms=(MODEL, OTHER))
    assert len(asked.members) == 1


def prompted_once(model: Any) -> bool:
    return bool(model("?") == "yes")


def test_a_design_that_seldom_sees_what_is_expected_warns() -> None:
    (member,) = read(rate >= 0.5, prompted_once, expect=0.6, max_trials=20).members
    assert member.warning
    (member,) = read(rate >= 0.5, prompted_once, expect=0.95, max_trials=200).members
    assert not member.warning


class OfAPlugin(Claim):
    """Its rule is not ours."""


MISTAKES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no claim": ({"claim": rate}, "alone claims nothing", "rate >= 0.5"),
    "a claim that was not made": (
        {"claim": mean},
        "`mean` is called to make a claim",
        "(mean(0, 10) >= 7, body)",
    ),
    "text for a claim": ({"claim": "rate >= 0.5"}, "", "rate >= 0.5"),
    "a baseline": ({"claim": rate >= baseline}, "a baseline belongs to a test", "difference("),
    "a claim of a plugin": (
        {"claim": OfAPlugin(**{name: getattr(rate >= 0.5, name) for name in Claim.__dataclass_fields__})},
        "comes from a plugin",
        "write a test",
    ),
    "a family": ({"family": "mine"}, "family= is for tests", "a sweep is a family"),
    "a tier": ({"tier": "slow"}, "tier= is for tests", "leave it out"),
    "one model": ({"model": MODEL}, "no keyword 'model'", "models=[...]"),
    "one arm": ({"arm": "a"}, "no keyword 'arm'", "arms=[...]"),
    "an option of a run": ({"multiplicity": "holm"}, "no keyword 'multiplicity'", "VELO_MULTIPLICITY"),
    "a keyword of a call": ({"temperature": 1}, "no keyword 'temperature'", "it is a keyword of a call"),
    "an unknown keyword": ({"max_trial": 9}, "no keyword 'max_trial'", "max_trials"),
    "a mistyped mode": ({"mode": "replai"}, "mode='replai'", "replay"),
    "another mode": ({"mode": "off"}, "expected one of auto, replay, refresh", ""),
    "a seed that is true": ({"seed": True}, "seed=True", "seed=1"),
    "a seed that is too large": ({"seed": 2**63}, "64 bits", "seed=1"),
    "a budget in words": ({"budget": "two"}, "budget= must be dollars", "budget=2.00"),
    "a negative budget": ({"budget": -1}, "budget= must be dollars", "budget=2.00"),
    "several models": ({"models": [MODEL, OTHER]}, "one finding is about one model", 'over={"model": ['),
    "a sweep over nothing": ({"over": {}}, "sweeps over nothing", "over="),
    "too few trials": ({"claim": rate >= 0.99, "max_trials": 9}, "can never be supported", "max_trials="),
    "arms of a claim about one": ({"claim": mean(0, 1) >= 0.5, "arms": ["a", "b"]}, "arms", "difference("),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_the_call(name: str) -> None:
    given, what, fix = MISTAKES[name]
    with pytest.raises(UsageError) as caught:
        read(**{"claim": rate >= 0.5, "body": prompted_once} | given)
    assert what in caught.value.what
    assert fix in caught.value.fix
    assert caught.value.where.startswith("check(")
    assert "prompted_once" in caught.value.where


def test_cases_are_missing_where_a_body_takes_one() -> None:
    with pytest.raises(UsageError, match="the call has no cases") as caught:
        read(rate >= 0.5, agrees)
    assert "cases=" in caught.value.fix


def test_a_call_is_named_whatever_it_got() -> None:
    assert place_of(3, 4) == "check(..., int)"
    assert place_of(rate >= 0.5, agrees) == "check(rate >= 0.5, agrees)"
