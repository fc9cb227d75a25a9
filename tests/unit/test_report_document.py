"""The document writes what is allow-listed and nothing else."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from hashlib import sha256

import pytest

from pytest_velo.errors import StoreError
from pytest_velo.records import (
    Address,
    Call,
    HypothesisResult,
    Outcome,
    OutcomeKind,
    Reply,
    Request,
    ToolCall,
    TrialRecord,
)
from pytest_velo.report.document import (
    VERSION,
    RunDocument,
    compact,
    from_compact,
    from_json,
    result_to_json,
    shown_trials,
    to_json,
)
from pytest_velo.report.transcript import trial_to_json
from pytest_velo.verdicts import Decision, Evidence
from support.members import NO_EVIDENCE, UNDECIDED

CANARY = "sk-canary-0123456789"


def trial(index: int, kind: OutcomeKind = OutcomeKind.ZERO, detail: str = "", **call: object) -> TrialRecord:
    return TrialRecord(
        index=index,
        case_id="c",
        repeat=0,
        seed=1,
        kind=kind,
        values={"": 0.0},
        detail=detail,
        calls=(make_call(**call),) if call else (),
    )


def make_call(
    messages: tuple[dict[str, object], ...] = (),
    parameters: dict[str, object] | None = None,
    reply: Reply | None = None,
) -> Call:
    return Call(
        model="openai/m",
        request=Request(
            api="openai-chat", endpoint="e", model="m", messages=messages, parameters=parameters or {}
        ),
        reply=reply or Reply(text="t"),
        address=Address(key="k", seed=0, stream="", slot="c:0:0"),
        drawn_at="2026-11-02T10:11:12+00:00",
    )


def result(outcome: Outcome, *trials: TrialRecord, **other: object) -> HypothesisResult:
    given: dict[str, object] = {
        "node_id": "t.py::t",
        "belief": "b",
        "claim": "rate >= 0.5",
        "scope": "s",
        **other,
    }
    return HypothesisResult(outcome=outcome, trials=trials, **given)  # type: ignore[arg-type]


def test_every_field_of_a_result_is_written() -> None:
    written = result_to_json(result(Outcome.SUPPORTED))
    around = written.pop("circumstances")
    assert set(written) | set(around) - {"n_unused"} == {field.name for field in fields(HypothesisResult)}


def test_every_field_of_a_decision_and_its_evidence_is_written() -> None:
    evidence = replace(NO_EVIDENCE, log_e_refute=float("-inf"))
    decision = replace(UNDECIDED, evidence=evidence)
    document = result_to_json(result(Outcome.INCONCLUSIVE, decision=decision))
    written = document["decision"]
    assert {*written, *document["circumstances"]} >= {field.name for field in fields(Decision)}
    assert document["circumstances"]["n_unused"] == 0
    assert set(written["evidence"]) == {field.name for field in fields(Evidence)}
    assert written["evidence"]["log_e_refute"] == "-inf"


def test_keys_in_parameters_raw_replies_and_blocks_are_not_written() -> None:
    hidden = trial(
        0,
        messages=({"role": "user", "content": "hi", "blocks": [CANARY], "api_key": CANARY},),
        parameters={"temperature": 0.7, "extra_headers": {"Authorization": CANARY}, "extra_body": CANARY},
        reply=Reply(text="t", raw={"key": CANARY}, blocks=({"key": CANARY},)),
    )
    text = json.dumps(trial_to_json("n", hidden))
    assert CANARY not in text
    assert '"temperature": 0.7' in text


def test_what_json_cannot_hold_is_named_by_its_type_never_by_its_repr() -> None:
    class Client:
        def __repr__(self) -> str:
            return CANARY

    written = trial_to_json("n", trial(0, messages=({"role": "user", "content": Client()},)))
    assert written["calls"][0]["messages"] == [{"role": "user", "content": "<Client>"}]


def test_a_model_that_nests_arguments_deeply_does_not_lose_the_record() -> None:
    arguments = json.loads('{"a":' * 600 + "1" + "}" * 600)
    call = ToolCall(id="1", name="f", arguments=arguments, arguments_text="{...}")
    written = json.dumps(trial_to_json("n", trial(0, reply=Reply(text="", tool_calls=(call,)))))
    assert '"<dict>"' in written
    assert '"{...}"' in written


def test_images_are_written_as_a_hash() -> None:
    content = [
        {"type": "text", "text": "see"},
        {"type": "image", "media_type": "image/png", "data": "aGVsbG8="},
    ]
    written = trial_to_json("n", trial(0, messages=({"role": "user", "content": content},)))
    image = written["calls"][0]["messages"][0]["content"][1]
    assert set(image) == {"type", "media_type", "sha256", "n_bytes"}
    assert image["sha256"] == sha256(b"hello").hexdigest()
    assert image["n_bytes"] == 5


def test_unknown_stays_unknown() -> None:
    written = trial_to_json("n", trial(0, reply=Reply(text="t")))["calls"][0]
    unknown = ("cost_usd", "latency_s", "model_served", "reasoning", "fingerprint")
    assert {name: written[name] for name in unknown} == dict.fromkeys(unknown)
    assert set(written["usage"].values()) == {None}


def test_shown_trials_are_those_against_the_claim() -> None:
    ones = [trial(i, OutcomeKind.ONE) for i in (0, 2)]
    zeros = [trial(i) for i in (1, 3)]
    every = sorted([*ones, *zeros], key=lambda t: t.index)
    assert shown_trials(result(Outcome.REFUTED, *every, telling=(1, 3)), 5) == tuple(zeros)
    at_most = result(Outcome.REFUTED, *every, telling=(2, 0))
    assert shown_trials(at_most, 5) == tuple(ones[::-1])
    assert shown_trials(at_most, 1) == (ones[1],)
    assert shown_trials(at_most, 0) == ()


def test_an_error_shows_the_trial_that_ended_it() -> None:
    ended = trial(7, OutcomeKind.INVALID, "KeyError: 'x'")
    broken = result(Outcome.ERROR, trial(0), ended, problem="KeyError: 'x'")
    assert shown_trials(broken, 0) == (ended,)
    outage = result(Outcome.ERROR, trial(0), trial(1, OutcomeKind.INVALID, "empty reply"), problem="outage")
    assert shown_trials(outage, 3) == ()


def test_the_compact_form_leaves_out_other_transcripts() -> None:
    every = [trial(i, reply=Reply(text=f"reply {i}")) for i in range(20)]
    text = compact(result(Outcome.REFUTED, *every, telling=(0, 1, 2)), 1)
    assert "reply 0" in text
    assert "reply 1" not in text
    assert len(from_compact(text).trials) == 1


DOCUMENT = RunDocument(
    velo_version="9",
    run_id="r",
    started_at="2026-11-02T10:11:12+00:00",
    duration_s=1.0,
    seed=0,
    mode="auto",
    models=(),
    results=(),
)


def test_a_newer_document_says_what_to_do() -> None:
    with pytest.raises(StoreError) as caught:
        from_json({**to_json(DOCUMENT), "version": VERSION + 1})
    assert f"version {VERSION + 1}" in caught.value.what
    assert "pip install --upgrade" in caught.value.fix


@pytest.mark.parametrize("change", [{"seed": ...}, {"results": [{}]}, {"results": 3}])
def test_a_damaged_document_says_so(change: dict[str, object]) -> None:
    data = {**to_json(DOCUMENT), **change}
    with pytest.raises(StoreError, match="damaged"):
        from_json({name: value for name, value in data.items() if value is not ...})


def test_a_damaged_compact_form_says_so() -> None:
    with pytest.raises(StoreError, match="damaged"):
        from_compact('{"version": 1}')
