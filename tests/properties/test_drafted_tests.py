"""A drafted test, whatever models and users wrote: it parses, and asks exactly what was asked."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo import Reply
from pytest_velo.case_sets import Case, load
from pytest_velo.errors import UsageError
from pytest_velo.interactive.asking.answers import Answer, Answers
from pytest_velo.interactive.asking.draft import draft
from pytest_velo.interactive.asking.inquiry import Inquiry, questions
from pytest_velo.records import FinishReason
from pytest_velo.settings import Settings

# What is likely to break out of a literal, and then any character at all, halves of surrogate pairs too.
FRAGMENTS = st.sampled_from(
    ['"', "'", '"""', "\\", "\n", "\r", "{", "}", "{n}", "{case.n}", "{{", "\\N{DASH}", "#", "\x00", "\u202e"]
)
TEXTS = st.lists(FRAGMENTS | st.text(st.characters(), max_size=8), min_size=1, max_size=8).map("".join)
LONG = st.lists(st.text("abc\"'\\ ", min_size=1, max_size=30), min_size=1, max_size=12).map(" ".join)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1) | TEXTS
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)
FIELDS = st.sampled_from(["{n}", "{class}", "{ſ}", "{self}"])


class _Asked:
    """A model that notes what it is asked."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.got: list[tuple[Any, dict[str, Any]]] = []

    async def __call__(self, prompt: Any, **options: Any) -> Reply:
        self.got.append((prompt, options))
        return Reply(text=self.reply)


def answers(asked: Inquiry, texts: list[str], cases: list[Any] | None = None) -> Answers:
    """Return answers with these texts, the last of which is cut."""
    about = cases or [None]
    made = [
        Answer(
            model=model,
            reply=Reply(text=text, finish_reason=FinishReason.STOP),
            invalid="cut" if place == len(texts) - 1 and place else "",
            case=about[place % len(about)],
        )
        for model in asked.models
        for place, text in enumerate(texts)
    ]
    return Answers(made, asked=asked)


def asks(source: str, case: Any = None) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Run a drafted test once; return the prompt and the options it sends, and its mark's keywords."""
    ast.parse(source)
    space: dict[str, Any] = {}
    exec(compile(source, "test_idea.py", "exec"), space)
    (test,) = (value for name, value in space.items() if name.startswith("test_"))
    model = _Asked("yes")
    trial = test(model) if case is None else test(model, case)
    with pytest.raises((StopIteration, AssertionError)):  # it waits for nothing, and was about other replies
        trial.send(None)
    (mark,) = test.pytestmark
    ((prompt, options),) = model.got
    return prompt, options, mark.kwargs


@given(TEXTS | LONG, st.none() | TEXTS, st.lists(TEXTS, max_size=4), st.lists(TEXTS, min_size=1, max_size=3))
def test_it_sends_the_prompt_and_the_system_prompt(prompt, system, texts, models) -> None:
    asked = Inquiry(models=tuple(models), prompt=prompt, n=1, system=system, parameters={"temperature": 0.5})
    sent, options, keywords = asks(draft(answers(asked, texts)))
    assert sent == prompt
    assert options == {"temperature": 0.5} | ({} if system is None else {"system": system})
    assert keywords["models"] == models


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), TEXTS), min_size=1, max_size=3), NESTED)
def test_it_sends_the_messages_and_the_parameters(turns, value) -> None:
    messages = [{"role": role, "content": text} for role, text in turns]
    asked = Inquiry(models=("a/b",), prompt=messages, n=1, parameters={"stop": value, "odd-name": value})
    sent, options, _ = asks(draft(answers(asked, ["yes"])))
    assert sent == messages
    assert options == ({} if value is None else {"stop": value, "odd-name": value})


@given(st.lists(FIELDS | FRAGMENTS | TEXTS, max_size=6).map("".join), NESTED)
def test_it_fills_a_template_as_asking_did(template, value) -> None:
    row = {"n": value, "class": "first", "ſ": 1, "self": "me", "answer": "yes"}
    try:
        cases = load([row], base=Path())
        asked = Inquiry(models=("openai/b",), prompt=template + "{n}", n=1, cases=cases, cases_source=[row])
        (question,) = questions(asked, Settings())["openai/b"]
    except UsageError:
        return  # a field that is not there, or half a character in the case: nothing is asked
    case = Case(row)
    source = draft(answers(asked, ["yes", "no"], [case]))
    sent, _, keywords = asks(source, case)
    assert sent == question.prompt
    assert load(keywords["cases"], base=Path()).digests == asked.cases.digests
