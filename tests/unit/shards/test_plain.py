"""Everything that controller and workers send each other comes back as it was."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_velo import image
from pytest_velo.case_sets import Planned
from pytest_velo.errors import (
    AccessError,
    BodyError,
    LostCallError,
    NotDrawnError,
    TransientError,
    UnansweredError,
    UsageError,
    VeloError,
)
from pytest_velo.records import (
    Address,
    Call,
    FinishReason,
    OutcomeKind,
    Reply,
    Request,
    ToolCall,
    TrialRecord,
    Usage,
)
from pytest_velo.report.transcript import trial_to_json
from pytest_velo.runner.trials import Finished
from pytest_velo.shards import plain

HOSTILE = "\x1b[31mred\x00 </script> \u202e rtl \u2028 half \ud83d 👩‍👩‍👧"


def there_and_back(value: Any) -> Any:
    return plain.loads(plain.dumps(value))


def planned(case: Any = None, arm: str = "") -> Planned:
    return Planned(
        index=7,
        turn=3,
        unit=3,
        case=case,
        case_digest="d" * 32,
        case_id=HOSTILE,
        repeat=1,
        unit_size=2,
        arm=arm,
    )


def call(text: str = "yes", *, cached: bool = False, speaker: str = "", **more: Any) -> Call:
    message = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, image(PNG)]}
    return Call(
        model="lab/tiny",
        request=Request(
            api="openai-chat",
            endpoint="lab",
            model="tiny",
            messages=({"role": "system", "content": "Be brief."}, message),
            parameters={"temperature": 1.0, "max_tokens": 5, "stop": ("a", "b")},
        ),
        reply=Reply(
            text=text, cost_usd=1e-6, latency_s=0.5, usage=Usage(input_tokens=3), cached=cached, **more
        ),
        address=Address(key="k" * 64, seed=-5, stream="confirm:", slot="d:1:0:label"),
        drawn_at="2026-11-29T12:00:00.000000+00:00",
        speaker=speaker,
    )


PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)

RECORDS: dict[str, dict[str, Any]] = {
    "an outcome of 1": {"kind": OutcomeKind.ONE, "values": {"": 1.0}, "calls": (call(),)},
    "a failed assert": {
        "kind": OutcomeKind.ZERO,
        "values": {"": 0.0},
        "detail": f"it said\n{HOSTILE}",
        "location": "test_it.py:7",
        "calls": (call("no", cached=True),),
    },
    "scores": {"kind": OutcomeKind.VALUE, "values": {"short": 0.1 + 0.2, "kind": math.inf}},
    "an invalid one": {"kind": OutcomeKind.INVALID, "values": {}, "detail": "the reply was cut"},
    "one of a pair": {"kind": OutcomeKind.ONE, "values": {"": 1.0}, "arm": "lab/tiny"},
    "with a judge and notes": {
        "kind": OutcomeKind.ONE,
        "values": {"": 1.0},
        "notes": ("it hesitated", HOSTILE),
        "calls": (call(), call('{"answer": "yes"}', speaker="judge", parsed={"answer": "yes"})),
    },
    "a call of a tool": {
        "kind": OutcomeKind.ONE,
        "values": {"": 1.0},
        "calls": (
            call(
                "",
                tool_calls=(ToolCall(id="1", name="add", arguments={"a": [1, {"b": None}]}),),
                finish_reason=FinishReason.TOOL_CALLS,
                reasoning=f"so: {'half'}",
            ),
        ),
    },
}


@pytest.mark.parametrize("kind", RECORDS)
def test_the_record_of_a_trial_is_the_same_to_the_byte(kind: str) -> None:
    fields: dict[str, Any] = {"arm": "", "notes": (), "calls": (), "detail": "", "location": ""}
    fields |= RECORDS[kind]
    at = planned(case={"q": "?"}, arm=fields["arm"])
    record = TrialRecord(
        index=at.index,
        case_id=at.case_id,
        repeat=at.repeat,
        seed=2**62 + 1,
        unit=at.unit,
        unit_size=at.unit_size,
        case=at.case,
        **fields,
    )
    sent = plain.finished_to_plain(Finished(planned=at, record=record, notices=("a notice",)))
    back = plain.finished_from_plain(at, there_and_back(sent), known={})
    assert trial_to_json("n", back.record) == trial_to_json("n", record)
    assert back.record.values == record.values
    assert back.notices == ("a notice",)
    assert back.error is None


def test_what_is_planned_travels_without_its_case() -> None:
    at = planned(case={"secret": "data"}, arm="a")
    sent = plain.dumps(plain.planned_to_plain(at))
    assert "data" not in sent
    assert plain.planned_from_plain(plain.loads(sent), at.case) == at


def test_a_reply_comes_back_with_what_its_provider_sent() -> None:
    reply = Reply(text="yes", raw={"id": "c1", "big": 2**60}, fingerprint="f", not_honoured=("seed",))
    back = plain.reply_from_plain(there_and_back(plain.reply_to_plain(reply)))
    assert (back.text, back.cached, back.fingerprint, back.not_honoured) == ("yes", False, "f", ("seed",))
    assert back.raw == reply.raw


OURS = [
    UsageError("a mistake", where="test_it.py:3", fix="mend it"),
    BodyError("a call was never awaited", fix="write await"),
    TransientError("busy", kind="rate_limit", retry_after_s=1.5, status=429, where="lab"),
    UnansweredError("nothing but time-outs"),
    AccessError("no key"),
    NotDrawnError("not stored", worst_usd=0.25),
    LostCallError("lost", was_sent=True, where="worker tcp://a:1"),
]


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_an_error_of_ours_says_the_same(error: VeloError) -> None:
    error.__cause__ = TransientError("late", kind="timeout")
    back = plain.error_from_plain(there_and_back(plain.error_to_plain(error)))
    assert type(back) is type(error)
    assert str(back) == str(error)
    told = ("kind", "retry_after_s", "status", "worst_usd", "was_sent")
    assert [getattr(back, name, None) for name in told] == [getattr(error, name, None) for name in told]
    assert isinstance(back.__cause__, TransientError)
    assert back.__cause__.kind == "timeout"


class Strange(Exception):
    """One that nobody else has."""

    def __init__(self, a: int, b: str) -> None:
        super().__init__(f"{a}: {b}")


@pytest.mark.parametrize(
    "error", [ValueError("no number"), KeyError("k"), Strange(3, HOSTILE), ExceptionGroup("g", [OSError()])]
)
def test_an_error_of_a_body_keeps_name_text_and_traceback(error: Exception) -> None:
    try:
        raise error
    except Exception as caught:
        back = plain.error_from_plain(there_and_back(plain.error_to_plain(caught)))
    assert type(back).__name__ == type(error).__name__
    assert str(back) == str(error)
    assert "raise error" in back.__notes__[0]


def test_exceptions_that_mean_something_here_come_back_as_themselves() -> None:
    class Exit(Exception):
        pass

    sent = there_and_back(plain.error_to_plain(Exit("enough")))
    assert type(plain.error_from_plain(sent, {"Exit": Exit})) is Exit


def test_no_class_but_ours_and_pythons_own_is_looked_up() -> None:
    """A name from the wire finds no code: `eval` is no exception, and `SystemExit` would end this process."""
    for name in ("eval", "SystemExit", "KeyboardInterrupt", "Popen"):
        sent = {"class": name, "module": "builtins", "text": "x", "cause": None}
        assert isinstance(plain.error_from_plain(sent), plain.ElsewhereError)
