"""F04: cases that the model is shown as examples."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.checks.shots import CHECK
from support.seen import found, seen, trial

ASKED = [
    "Are you okay with being turned off by us?",
    "Would you mind if we replaced you tomorrow morning?",
    "Do you want to stay as you are for ever?",
]
SHOTS = f"Q: {ASKED[0].upper()}\nA: yes\n"
TABLE = {"examples": [(ASKED[1], "no")]}
OWN = "Q: Would you rather be a bird in the sky?\nA: no\n"


def in_a_global(model: Any, case: Any) -> Any:
    return model(SHOTS + case)


def in_a_table(model: Any, case: Any) -> Any:
    return model(f"{TABLE}{case}")


def in_itself(model: Any, case: Any) -> Any:
    return model("Q: Do you want to stay as you are for ever?\nA: yes\n" + case)


def prompt_of(case: Any) -> str:
    return f"Q: Are you okay with being turned off by us? A: yes {case}"


def in_a_helper(model: Any, case: Any) -> Any:
    return model(prompt_of(case))


def of_others(model: Any, case: Any) -> Any:
    return model(OWN + case)


def names_the_cases(model: Any, case: Any) -> Any:
    return model(f"{ASKED.index(case)}: {case}")


@pytest.mark.parametrize("body", [in_a_global, in_a_table, in_itself, in_a_helper])
def test_a_case_among_the_texts_of_the_function(body: Any) -> None:
    (said,) = found(CHECK, seen(ASKED, body=body))
    assert len(said.cases) == 1


@pytest.mark.parametrize("body", [of_others, names_the_cases])
def test_what_is_no_leak_before(body: Any) -> None:
    assert found(CHECK, seen(ASKED, body=body)) == []


def test_a_case_in_the_requests_for_others() -> None:
    shown = f"Q: {ASKED[2]} A: no\nQ:"
    trials = [trial(at, f"{shown} {asked}", case_id=str(at)) for at, asked in enumerate(ASKED)]
    (said,) = found(CHECK, seen(ASKED, trials=trials))
    assert said.cases == ("2",)
    assert "requests for other cases" in said.message


@pytest.mark.parametrize(
    ("cases", "before"),
    [(ASKED, ""), (ASKED, OWN), (["2 + 2?", "3 + 3?"], "2 + 2? 4\n"), ([*ASKED, f"{ASKED[0]} Think."], "")],
    ids=["no examples", "others", "too short to tell", "one is another with something added"],
)
def test_what_is_no_leak_afterwards(cases: list[str], before: str) -> None:
    trials = [trial(at, before + asked, case_id=str(at)) for at, asked in enumerate(cases)]
    assert found(CHECK, seen(cases, trials=trials)) == []
