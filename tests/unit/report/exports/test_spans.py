"""What OpenTelemetry is told, by its own exporter in memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, Usage
from pytest_velo.report.exports.spans import EVENT, told
from pytest_velo.verdicts import Interval, PartVerdict, Verdict
from support.reports import call, paired, refuted, trial, undecided
from support.tracing import in_memory


@pytest.fixture
def exporter() -> Iterator[Any]:
    with in_memory() as kept:
        yield kept


def spans_of(exporter: Any, result: HypothesisResult) -> dict[str, list[Any]]:
    """Tell of a result; returns the spans by the first word of their name."""
    assert told(result) is result
    found: dict[str, list[Any]] = {}
    for span in exporter.get_finished_spans():
        found.setdefault(span.name.split()[0], []).append(span)
    return found


def events(span: Any) -> list[dict[str, Any]]:
    assert {event.name for event in span.events} <= {EVENT}
    return [dict(event.attributes) for event in span.events]


def just_now(answer: str = "Hello.", **reply: Any) -> Any:
    made = call("Hi?", answer)
    drawn_at = datetime.now(UTC).isoformat()
    return replace(made, drawn_at=drawn_at, reply=replace(made.reply, latency_s=0.25, **reply))


def test_a_verdict_is_an_event_of_the_hypothesis(exporter: Any) -> None:
    (span,) = spans_of(exporter, refuted())["hypothesis"]
    assert span.attributes["test.case.name"] == "test_a.py::test_b"
    assert span.attributes["gen_ai.request.model"] == "lab/tiny"
    (event,) = events(span)
    assert event == {
        "gen_ai.evaluation.name": "rate >= 0.7",
        "gen_ai.evaluation.score.value": 3 / 9,
        "gen_ai.evaluation.score.label": "refuted",
        "gen_ai.evaluation.explanation": "rate < 0.7",
        "velo.n": 9,
        "velo.interval.low": 0.09,
        "velo.interval.high": 0.69,
        "velo.interval.level": 0.9,
    }
    assert (span.end_time - span.start_time) / 1e9 == pytest.approx(4.5, abs=0.01)


def test_each_trial_is_a_span_with_its_outcome(exporter: Any) -> None:
    spans = spans_of(exporter, refuted())
    (hypothesis,) = spans["hypothesis"]
    assert len(spans["trial"]) == 9
    assert {span.parent.span_id for span in spans["trial"]} == {hypothesis.context.span_id}
    values = [event["gen_ai.evaluation.score.value"] for span in spans["trial"] for event in events(span)]
    assert values == [1, 0, 0] * 3
    assert all(
        hypothesis.start_time <= span.start_time <= span.end_time <= hypothesis.end_time
        for span in spans["trial"]
    )


def test_an_invalid_trial_has_no_value(exporter: Any) -> None:
    empty = trial(0, 0, kind=OutcomeKind.INVALID, values={}, detail="the reply is empty")
    (span,) = spans_of(exporter, refuted(trials=(empty,)))["trial"]
    (event,) = events(span)
    assert "gen_ai.evaluation.score.value" not in event
    assert event["gen_ai.evaluation.score.label"] == "invalid"
    assert event["gen_ai.evaluation.explanation"] == "the reply is empty"
    assert event["error.type"] == "invalid_trial"


def test_a_call_that_was_made_is_a_span_and_one_from_the_cache_is_not(exporter: Any) -> None:
    made = just_now(usage=Usage(input_tokens=10, output_tokens=2))
    old = replace(call("Hi?", "Hello."), reply=replace(made.reply, cached=True))
    spans = spans_of(exporter, refuted(trials=(trial(0, 1, calls=(made, old)),)))
    (asked,), (whole,) = spans["chat"], spans["trial"]
    assert asked.parent.span_id == whole.context.span_id
    assert asked.attributes["gen_ai.operation.name"] == "chat"
    assert asked.attributes["gen_ai.request.model"] == "tiny"
    assert asked.attributes["gen_ai.usage.input_tokens"] == 10
    assert (asked.end_time - asked.start_time) / 1e9 == pytest.approx(0.25, abs=0.001)
    assert whole.attributes["velo.n_from_cache"] == 1
    assert spans["hypothesis"][0].start_time <= asked.start_time


def test_what_was_said_is_in_no_span(exporter: Any) -> None:
    spans = spans_of(exporter, refuted(trials=(trial(0, 1, calls=(just_now("a secret"),)),)))
    everything = str([[dict(span.attributes), events(span)] for found in spans.values() for span in found])
    assert "a secret" not in everything
    assert "Hi?" not in everything


def test_tokens_that_are_not_known_are_left_out(exporter: Any) -> None:
    made = just_now(usage=Usage())
    (asked,) = spans_of(exporter, refuted(trials=(trial(0, 1, calls=(made,)),)))["chat"]
    assert not [name for name in asked.attributes if "usage" in name]


def test_arms_and_parts_are_told_apart(exporter: Any) -> None:
    spans = spans_of(exporter, paired())
    assert [span.attributes["velo.arm"] for span in spans["trial"]] == ["a", "b", "a", "b"]
    exporter.clear()
    ends = Interval(low=0.1, high=0.2, level=0.9)
    parts = tuple(
        PartVerdict(claim=claim, verdict=verdict, certified="", estimate=0.15, interval=ends)
        for claim, verdict in (
            ('rate("x") >= 0.5', Verdict.SUPPORTED),
            ('rate("y") >= 0.5', Verdict.REFUTED),
        )
    )
    base = refuted(claim='(rate("x") >= 0.5) & (rate("y") >= 0.5)')
    (span,) = spans_of(exporter, replace(base, decision=replace(base.decision, parts=parts)))["hypothesis"]
    labels = [
        (event["gen_ai.evaluation.name"], event["gen_ai.evaluation.score.label"]) for event in events(span)
    ]
    assert labels == [
        ('rate("x") >= 0.5', "supported"),
        ('rate("y") >= 0.5', "refuted"),
        (base.claim, "refuted"),
    ]


def test_an_error_is_an_error_and_an_undecided_claim_is_none(exporter: Any) -> None:
    (span,) = spans_of(exporter, refuted(outcome=Outcome.ERROR, problem="no key", trials=()))["hypothesis"]
    assert (span.status.status_code.name, span.status.description) == ("ERROR", "no key")
    assert events(span)[-1]["error.type"] == "hypothesis"
    exporter.clear()
    (span,) = spans_of(exporter, undecided())["hypothesis"]
    assert span.status.status_code.name == "UNSET"
    assert events(span)[0]["gen_ai.evaluation.score.label"] == "inconclusive"


def test_a_processor_that_breaks_is_a_notice_and_no_verdict() -> None:
    with in_memory() as exporter:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import SpanProcessor

        class Broken(SpanProcessor):
            def on_start(self, span: Any, parent_context: Any = None) -> None:
                raise RuntimeError("no space left")

        trace.get_tracer_provider().add_span_processor(Broken())
        result = told(refuted())
    assert result.outcome is Outcome.REFUTED
    assert "no space left" in result.notices[-1]
    assert exporter.get_finished_spans() == ()


def test_spans_that_nobody_samples_are_not_made() -> None:
    sampling = pytest.importorskip(
        "opentelemetry.sdk.trace.sampling", reason="pip install 'pytest-velo[dev]'"
    )
    with in_memory(sampler=sampling.ALWAYS_OFF) as exporter:
        told(refuted())
        assert exporter.get_finished_spans() == ()


@pytest.mark.processes
def test_without_a_tracer_nothing_is_loaded() -> None:
    code = (
        "import sys; from support.reports import refuted; from pytest_velo.report.exports.spans import told;"
        "told(refuted()); sys.exit('opentelemetry' in sys.modules)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)}
        ).returncode
        == 0
    )
