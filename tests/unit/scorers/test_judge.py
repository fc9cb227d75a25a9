"""The judge: a model that answers a question about a text, yes or no, or with a score."""

from __future__ import annotations

from pytest_velo.records import Request, as_messages
from pytest_velo.scorers.judge import SYSTEM, _yes_no_prompt, rubric_of


def test_rubric_of_a_judges_request() -> None:
    prompt = _yes_no_prompt("Is it polite?", "Hello")
    asked = Request(api="a", endpoint="e", model="m", messages=as_messages(prompt, SYSTEM))
    assert rubric_of(asked) == "e/m: Is it polite?"
    assert rubric_of(Request(api="a", endpoint="e", model="m", messages=as_messages("Hello"))) is None
