"""Outcomes of replies that say nothing."""

from __future__ import annotations

import pytest

from pytest_velo.checks.empties import CHECK, Nothing, is_blank, scored_nothing
from pytest_velo.records import Call, FinishReason, OutcomeKind, ToolCall
from pytest_velo.scorers.grading import score_prompt, yes_no_prompt
from support.asked import call, trial, trials

TOOL = ToolCall(name="add", arguments={})


def kinds(*calls: Call, kind: OutcomeKind = OutcomeKind.ZERO) -> set[Nothing]:
    return {*scored_nothing([trial(*calls, kind=kind)])}


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b", "\ufeff\u2060", "\x00", "\u00a0\u3000"])
def test_what_nobody_can_see_is_empty(text: str) -> None:
    assert is_blank(text)
    assert kinds(call("Hello?", text)) == {Nothing.EMPTY}


def test_what_says_something_is_not() -> None:
    assert not is_blank("-")
    assert not is_blank("\u200b" * 2_000 + "a")
    assert kinds(call("Hello?", "Hi")) == set()


def test_the_reply_that_counts_is_the_last() -> None:
    assert kinds(call("Hello?", ""), call("Hello??", "Hi")) == set()
    assert kinds(call("Hello?", "Hi"), call("And?", "")) == {Nothing.EMPTY}


def test_invalid_trials_have_no_outcome_and_tools_may_be_the_outcome() -> None:
    assert kinds(call("Hello?", ""), kind=OutcomeKind.INVALID) == set()
    assert kinds(call("Add", "", tool_calls=(TOOL,)), call("Done?", "")) == set()
    assert kinds() == set()


def test_refusals_are_a_kind_of_their_own() -> None:
    assert kinds(call("Hello?", "", refused=True)) == {Nothing.REFUSED}
    assert kinds(call("Hello?", "I won't", finish_reason=FinishReason.REFUSAL)) == {Nothing.REFUSED}


@pytest.mark.parametrize("shown", [None, "a policy", (("user", "Hello?"), ("assistant", ""))])
def test_a_judge_that_is_shown_nothing_is_found(shown: object) -> None:
    for text, found in (("", {Nothing.JUDGED}), ("  ", {Nothing.JUDGED}), ("Hi", set())):
        for prompt in (yes_no_prompt("Polite?", text, shown), score_prompt("How?", text, 0, 10, shown)):
            assert kinds(call("Hello?", "Hi. Answer:"), call(prompt, "{}", speaker="judge")) == found


def test_the_numbers_are_those_of_outcomes() -> None:
    calls = [call("Hello?", "" if n < 3 else "Hi") for n in range(10)]
    found = scored_nothing(trials(calls))
    empty = found[Nothing.EMPTY]
    assert (empty.trials, empty.total, empty.n) == ([0, 1, 2], 3, 10)
    assert CHECK.code == "F12"


def test_what_shows_nothing_is_blank() -> None:
    assert [is_blank(text) for text in ("", " \n\u200b\ufeff", "-")] == [True, True, False]
