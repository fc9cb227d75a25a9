"""F01: replies that were cut, and were scored."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.checks.truncation import CHECK
from pytest_velo.found import Level
from pytest_velo.records import FinishReason, OutcomeKind
from support.seen import found, seen, trial


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_a_reply_as_long_as_its_request_allows(name: str) -> None:
    (said,) = found(CHECK, seen(trials=[trial(0, tokens=8, **{name: 8}), trial(1, tokens=5, **{name: 8})]))
    assert said.level is Level.WARNING
    assert said.message.startswith("1 of 2 scored trials")
    assert said.trials == (0,)


@pytest.mark.parametrize("sent", [{"finish": FinishReason.LENGTH}, {"tokens": 8, "max_tokens": 8}])
def test_nothing_is_said_of_a_reply_that_may_be_cut(sent: dict[str, Any]) -> None:
    assert found(CHECK, seen(trials=[trial(**sent, may_be_cut=True), trial(1)])) == []


def test_a_cut_reply_that_is_scored_though_nobody_allowed_it_is_a_note() -> None:
    (said,) = found(CHECK, seen(trials=[trial(finish=FinishReason.LENGTH), trial(1)]))
    assert said.level is Level.NOTE
    assert said.message == "1 of 2 scored trials have a reply that was cut"


def test_cut_replies_that_are_left_out_are_a_note() -> None:
    lost = [trial(at, kind=OutcomeKind.INVALID, finish=FinishReason.LENGTH) for at in range(2)]
    trials = [*lost, *(trial(at) for at in range(2, 20))]
    (said,) = found(CHECK, seen(trials=trials, invalid="exclude"))
    assert said.message.startswith("2 of 20 trials are left out")
    assert found(CHECK, seen(trials=trials)) == []


@pytest.mark.parametrize(
    "sent",
    [
        {"tokens": 7, "max_tokens": 8},
        {"tokens": 8},
        {"max_tokens": 8},
        {"tokens": 8, "max_tokens": 8, "finish": FinishReason.TOOL_CALLS},
        {"tokens": 8, "max_tokens": 8, "kind": OutcomeKind.INVALID},
    ],
    ids=["shorter", "no limit", "tokens unknown", "ended for a tool", "invalid already"],
)
def test_what_is_whole(sent: dict[str, Any]) -> None:
    assert found(CHECK, seen(trials=[trial(**sent)])) == []
