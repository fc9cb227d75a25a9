"""The document round-trips: what is written is read back, and nothing unknown becomes 0."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.records import (
    Address,
    Call,
    FinishReason,
    HypothesisResult,
    Outcome,
    OutcomeKind,
    Reply,
    Request,
    ToolCall,
    TrialRecord,
    Usage,
)
from pytest_velo.report.document import (
    RunDocument,
    compact,
    from_compact,
    from_json,
    result_from_json,
    result_to_json,
    shown_trials,
    to_json,
)
from pytest_velo.report.transcript import trial_from_json, trial_to_json
from pytest_velo.verdicts import Decision, Evidence, Interval, StopReason, Verdict

texts = st.text(st.characters(codec=None), max_size=12)  # lone surrogates and controls included
counts = st.integers(0, 10_000)
shares = st.floats(0, 1)
money = st.none() | st.floats(0, 100)
logs = st.floats(allow_nan=False)  # infinities included: an e-value may be 0
times = st.just("2026-11-02T10:11:12+00:00")


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


messages = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": texts})
usages = st.builds(Usage, **{name: maybe(counts) for name in Usage.__dataclass_fields__})
replies = st.builds(
    Reply,
    text=texts,
    reasoning=maybe(texts),
    finish_reason=st.sampled_from(FinishReason),
    refused=st.booleans(),
    tool_calls=st.lists(
        st.builds(
            ToolCall,
            id=texts,
            name=texts,
            arguments=maybe(st.dictionaries(texts, counts | texts, max_size=2)),
            arguments_text=texts,
        ),
        max_size=2,
    ).map(tuple),
    usage=usages,
    cost_usd=money,
    latency_s=money,
    model_served=maybe(texts),
    fingerprint=maybe(texts),
    not_honoured=st.lists(texts, max_size=2).map(tuple),
    cached=st.booleans(),
)
calls = st.builds(
    lambda model, messages, temperature, reply, address: Call(
        model=model,
        request=Request(api="", endpoint="", model=model, messages=tuple(messages), parameters=temperature),
        reply=reply,
        address=address,
        drawn_at="2026-11-02T10:11:12+00:00",
    ),
    texts,
    st.lists(messages, max_size=3),
    st.fixed_dictionaries({}, optional={"temperature": shares, "max_tokens": counts}),
    replies,
    st.builds(Address, key=texts, seed=counts, stream=texts, slot=texts),
)
trials = st.builds(
    TrialRecord,
    index=counts,
    case_id=texts,
    repeat=counts,
    seed=st.integers(0, 2**63),
    kind=st.sampled_from(OutcomeKind),
    arm=texts,
    values=st.dictionaries(texts, shares, max_size=2),
    detail=texts,
    location=texts,
    notes=st.lists(texts, max_size=2).map(tuple),
    calls=st.lists(calls, max_size=2).map(tuple),
)
intervals = maybe(st.builds(Interval, low=shares, high=shares, level=shares))
evidences = st.builds(
    Evidence,
    n=counts,
    n_for=counts,
    n_against=counts,
    n_invalid=counts,
    n_ones=maybe(counts),
    estimate=maybe(shares),
    log_e_support=logs,
    log_e_refute=logs,
    p_support=shares,
    p_refute=shares,
    interval=intervals,
    wilson=intervals,
    clopper_pearson=intervals,
    rule=st.sampled_from(["calibrated", "ville"]),
    arms=st.dictionaries(texts, shares, max_size=2),
)
decisions = st.builds(
    Decision,
    verdict=st.sampled_from(Verdict),
    stop=st.sampled_from(StopReason),
    certified=texts,
    evidence=evidences,
    n_unused=counts,
    n_saved=counts,
)
results = st.builds(
    HypothesisResult,
    node_id=texts,
    belief=texts,
    claim=texts,
    scope=texts,
    outcome=st.sampled_from(Outcome),
    model=maybe(texts),
    decision=maybe(decisions),
    problem=texts,
    alpha=shares,
    beta=shares,
    margin=shares,
    max_trials=counts,
    seed=st.integers(-(2**63), 2**63),
    trials=st.lists(trials, max_size=3).map(tuple),
    n_calls=counts,
    n_cached=counts,
    cost_usd=money,
    n_in_flight_max=counts,
    oldest_draw=maybe(times),
    models_served=st.lists(texts, max_size=2).map(tuple),
    n_retries=counts,
    duration_s=st.floats(0, 1e6),
    notices=st.lists(texts, max_size=2).map(tuple),
    rerun=texts,
    max_trials_marked=st.booleans(),
    claim_hash=texts,
    telling=st.lists(counts, max_size=3).map(tuple),
)


def through_json(value: Any) -> Any:
    """Write and read as strict JSON in ASCII, as the files and xdist do."""
    return json.loads(json.dumps(value, allow_nan=False).encode("ascii"))


@given(texts, trials)
def test_a_trial_round_trips(node_id: str, trial: TrialRecord) -> None:
    written = through_json(trial_to_json(node_id, trial))
    read = trial_from_json(written)
    assert read == trial
    # A reply is equal by its text alone, so its fields are compared by what they are written as.
    assert trial_to_json(node_id, read) == written
    assert [call.reply.usage for call in read.calls] == [call.reply.usage for call in trial.calls]
    assert [call.reply.cost_usd for call in read.calls] == [call.reply.cost_usd for call in trial.calls]
    assert [call.reply.tool_calls for call in read.calls] == [call.reply.tool_calls for call in trial.calls]


@pytest.mark.slow
@given(results)
def test_a_result_round_trips_with_its_trials(result: HypothesisResult) -> None:
    assert result_from_json(through_json(result_to_json(result, result.trials))) == result


@pytest.mark.slow
@given(st.lists(results, max_size=2))
def test_a_document_round_trips_but_for_trials(results: list[HypothesisResult]) -> None:
    document = RunDocument(
        velo_version="0.1.0",
        run_id="r",
        started_at="2026-11-02T10:11:12+00:00",
        duration_s=1.5,
        seed=0,
        mode="auto",
        models=("local/smollm2-135m",),
        results=tuple(results),
    )
    read = from_json(through_json(to_json(document)))
    assert to_json(read) == to_json(document)
    assert all(result.trials == () for result in read.results)
    assert [result.decision for result in read.results] == [result.decision for result in results]


@given(results, st.integers(0, 3))
def test_the_compact_form_keeps_all_but_the_trials_that_are_not_shown(
    result: HypothesisResult, show: int
) -> None:
    text = compact(result, show)
    read = from_compact(text)
    assert text.isascii()
    assert text.isprintable()  # safe in XML and in any transport
    assert read.trials == shown_trials(result, show)
    assert read.decision == result.decision
    assert shown_trials(read, show) == shown_trials(result, show)
