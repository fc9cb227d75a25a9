"""What can be the body of a check, where it stands, and what it is called with."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_velo import rate
from pytest_velo.designing.spec import make_spec
from pytest_velo.designing.supplies import Taker
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.bodies import NOTEBOOK, check_body
from pytest_velo.interactive.session import settings_here


def test_says_yes(model: Any, case: Any) -> bool:
    """The model says yes.

    Whatever it is asked.
    """
    return bool(model(case) == "yes")


test_says_yes.__test__ = False  # type: ignore[attr-defined]  # a body, which pytest would collect


def prompted(case: Any, arm: str, trial: Any, prompt: str, end: str = ".", **more: Any) -> list[Any]:
    return [case, arm, trial, prompt, end, more]


def defined_in(text: str, **around: Any) -> Callable[..., Any]:
    """Return the body that a text defines, as a cell of a notebook would."""
    exec(compile(text, "<cell>", "exec"), around)
    body: Callable[..., Any] = around["body"]
    return body


def test_its_belief_is_its_docstring_or_its_name_in_words() -> None:
    assert check_body(test_says_yes, ()).belief == "The model says yes."
    assert check_body(prompted, ("prompt",)).belief == "prompted"
    assert check_body(functools.partial(prompted, prompt="a"), ()).belief == "partial"


def test_it_uses_those_of_its_parameters_that_are_ours() -> None:
    assert check_body(test_says_yes, ()).uses == ("model", "case")
    assert check_body(prompted, ("prompt",)).uses == ("case", "arm", "trial")
    assert check_body(test_says_yes, ("model",)).uses == ("model", "case")


def test_it_gets_the_settings_of_a_sweep_and_what_is_of_the_trial() -> None:
    taker = Taker(
        where="here",
        spec=make_spec(rate >= 0.5, {}, taker="the call"),
        settings=settings_here(),
        is_async=False,
        factories={},
    )
    body, fixed = check_body(prompted, ("prompt",)).with_arguments(taker, {"prompt": "Hi", "case": "never"})
    assert body(1, "plain", None) == [1, "plain", None, "Hi", ".", {}]
    assert fixed == [], "what is made anew for each trial is not watched"


def test_it_stands_in_a_file_or_in_a_notebook(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def place(body: Callable[..., Any]) -> str:
        return check_body(body, ()).place

    source = "def body(case): return case"
    here = Path(__file__)
    assert place(test_says_yes) == here.name, "a file elsewhere is told by its name"
    monkeypatch.chdir(here.parents[1])
    assert place(test_says_yes) == "checking/test_bodies.py"
    assert place(defined_in(source)) == NOTEBOOK
    assert place(defined_in(source, __vsc_ipynb_file__="/home/me/study.ipynb")) == "study.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/other.ipynb")
    assert place(defined_in(source)) == "other.ipynb"


async def _coroutine() -> None: ...


NO_BODIES: dict[str, tuple[Callable[[], Any], tuple[str, ...], str, str]] = {
    "a class": (lambda: SimpleNamespace, (), "got the class SimpleNamespace", "async def"),
    "a number": (lambda: 3, (), "got an int", "async def"),
    "a text": (lambda: "x", (), "got a str", "async def"),
    "what a body returned": (_coroutine, (), "leave out the parentheses", "async def"),
    "no readable parameters": (lambda: vars, (), "cannot be read", "async def"),
    "parameters by position": (
        lambda: defined_in("def body(model, /): return model"),
        (),
        "'model' by its position",
        "`/`",
    ),
    "a fixture": (lambda: prompted, (), "takes 'prompt'", "over={'prompt': [...]}"),
    "a sweep over another name": (lambda: prompted, ("promt",), "'promt', which is no parameter", "'prompt'"),
    "a sweep over the rest": (
        lambda: prompted,
        ("more",),
        "'more', which is no parameter",
        "known: end, prompt",
    ),
    "a sweep without a parameter": (lambda: defined_in("def body(): ..."), ("p",), "'p'", "make 'p'"),
    "a lambda": (lambda: lambda model: model("?") == "yes", (), "a lambda cannot be a body", "def test_"),
    "what can never fail": (lambda: _never_fails, (), "can never fail", "assert"),
}


def _never_fails(model: Any) -> None:
    "It is asked, and that is all."


@pytest.mark.parametrize("name", NO_BODIES)
def test_what_cannot_be_a_body_says_why(name: str) -> None:
    given, swept, what, fix = NO_BODIES[name]
    with pytest.raises(UsageError) as caught:
        check_body(given(), swept)
    assert what in caught.value.what
    assert fix in caught.value.fix
