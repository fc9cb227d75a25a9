"""Replies that ended for a reason nobody knows."""

from __future__ import annotations

from typing import Any

from pytest_velo.checks.endings import unknown_endings
from pytest_velo.records import Address, Call, FinishReason, OutcomeKind, Reply, Request, TrialRecord


def trial(*raws: dict[str, Any], finish: FinishReason = FinishReason.OTHER) -> TrialRecord:
    calls = tuple(
        Call(
            model="e/m",
            request=Request(api="a", endpoint="e", model="m", messages=()),
            reply=Reply(text="x", finish_reason=finish, raw=raw),
            address=Address(key="k", seed=0, stream="", slot="s"),
            drawn_at="",
        )
        for raw in raws
    )
    return TrialRecord(index=0, case_id="c", repeat=0, seed=0, kind=OutcomeKind.ONE, values={}, calls=calls)


def test_each_unknown_reason_is_told_once() -> None:
    chat = {"choices": [{"finish_reason": "a_new_reason"}]}
    told = unknown_endings([trial(chat, chat), trial(chat, {"stop_reason": "another"}), trial({})])
    assert len(told) == 3
    assert "'a_new_reason'" in told[0]
    assert "'another'" in told[1]
    assert "cassette" in told[2]


def test_known_reasons_are_not_told() -> None:
    assert unknown_endings([trial({"choices": []}, finish=FinishReason.STOP)]) == ()
