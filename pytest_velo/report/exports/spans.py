"""Telling OpenTelemetry of a finished hypothesis, where somebody has set up a tracer.

A span for the hypothesis holds one for each trial, and that one for each call that was made now: a reply from
the cache took no time and no tokens. What a trial or a claim came to is the event
`gen_ai.evaluation.result`. Prompts and replies are in no span; what an assertion said is in its event.

Without a tracer this looks up one name. It never imports OpenTelemetry itself.

Source:
    The semantic conventions for generative AI: spans, and the event of an evaluation's result.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_velo.records import Call, HypothesisResult, Outcome, OutcomeKind, TrialRecord
from pytest_velo.report.exports.measures import measures
from pytest_velo.report.stubs import stub_text
from pytest_velo.version import __version__

EVENT = "gen_ai.evaluation.result"
_ARGUMENTS = ("temperature", "top_p", "max_tokens")
_UNNAMED = "outcome"


def told(result: HypothesisResult) -> HypothesisResult:
    """Tell of a hypothesis that ended just now; return it, with a notice if that failed."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return result
    try:
        _Teller(trace).hypothesis(result, datetime.now(UTC))
    except Exception as problem:  # a processor of the user's may do anything, and no verdict depends on it
        notice = f"OpenTelemetry was not told of it: {type(problem).__name__}: {problem}"
        return replace(result, notices=(*result.notices, notice))
    return result


class _Teller:
    """Makes spans of what has ended, with its own times."""

    def __init__(self, trace: Any) -> None:
        self._trace = trace
        self._tracer = trace.get_tracer("pytest_velo", __version__)

    def hypothesis(self, result: HypothesisResult, ended: datetime) -> None:
        made = [_times(call) for trial in result.trials for call in _made_now(trial)]
        began = min([ended - timedelta(seconds=result.duration_s), *(start for start, _ in made)])
        span = self._tracer.start_span("hypothesis", start_time=_ns(began), attributes=_about(result))
        if span.is_recording():
            around = self._trace.set_span_in_context(span)
            for trial in result.trials:
                self._trial(trial, around, began, ended)
            for event in _verdicts(result):
                span.add_event(EVENT, event, timestamp=_ns(ended))
            if result.outcome is Outcome.ERROR:
                span.set_status(self._trace.StatusCode.ERROR, result.problem)
        span.end(end_time=_ns(ended))

    def _trial(self, trial: TrialRecord, around: Any, began: datetime, ended: datetime) -> None:
        """Tell of a trial; it lasts as long as its calls did, for the record has no other times."""
        made = [(call, *_times(call)) for call in _made_now(trial)]
        start = min((start for _, start, _ in made), default=began)
        end = min(ended, max((end for _, _, end in made), default=began))
        span = self._tracer.start_span(
            "trial", context=around, start_time=_ns(start), attributes=_about_trial(trial)
        )
        inside = self._trace.set_span_in_context(span)
        for call, call_start, call_end in made:
            asked = self._tracer.start_span(
                f"chat {call.request.model}",
                context=inside,
                kind=self._trace.SpanKind.CLIENT,
                start_time=_ns(call_start),
                attributes=_about_call(call),
            )
            asked.end(end_time=_ns(call_end))
        for event in _outcomes(trial):
            span.add_event(EVENT, event, timestamp=_ns(end))
        span.end(end_time=_ns(end))


def _made_now(trial: TrialRecord) -> list[Call]:
    return [call for call in trial.calls if not call.reply.cached]


def _times(call: Call) -> tuple[datetime, datetime]:
    """Return when a call began and ended."""
    end = datetime.fromisoformat(call.drawn_at)
    return end - timedelta(seconds=call.reply.latency_s or 0.0), end


def _ns(time: datetime) -> int:
    return round(time.timestamp() * 1e6) * 1000


def _known(**attributes: Any) -> dict[str, Any]:
    """Return attributes by their names, with dots for `__`; what is unknown or empty is left out."""
    given = {name.replace("__", "."): value for name, value in attributes.items()}
    return {name: value for name, value in given.items() if value is not None and value not in ("", ())}


def _about(result: HypothesisResult) -> dict[str, Any]:
    return _known(
        test__case__name=result.node_id,
        gen_ai__request__model=result.model,
        velo__claim=result.claim,
        velo__belief=result.belief,
        velo__scope=result.scope,
        velo__outcome=result.outcome.value,
        velo__alpha=result.alpha,
        velo__beta=result.beta,
        velo__margin=result.margin,
        velo__stubs=tuple(map(stub_text, result.stubs)),
        velo__seed=result.seed,
        velo__n_calls=result.n_calls,
        velo__n_from_cache=result.n_cached,
        velo__cost_usd=result.cost_usd,
        velo__family=None if result.family is None else result.family.name,
        velo__decided_late=True if result.family is not None and result.family.by_steps else None,
    )


def _about_trial(trial: TrialRecord) -> dict[str, Any]:
    return _known(
        velo__trial=trial.index,
        velo__case=trial.case_id,
        velo__repeat=trial.repeat,
        velo__arm=trial.arm,
        velo__seed=trial.seed,
        velo__outcome=trial.kind.value,
        velo__n_from_cache=len(trial.calls) - len(_made_now(trial)),
    )


def _about_call(call: Call) -> dict[str, Any]:
    reply, given = call.reply, call.request.parameters
    return _known(
        gen_ai__operation__name="chat",
        gen_ai__provider__name=call.model.partition("/")[0],
        gen_ai__request__model=call.request.model,
        gen_ai__response__model=reply.model_served,
        gen_ai__response__finish_reasons=(reply.finish_reason.value,),
        gen_ai__usage__input_tokens=reply.usage.input_tokens,
        gen_ai__usage__output_tokens=reply.usage.output_tokens,
        velo__cost_usd=reply.cost_usd,
        **{
            f"gen_ai__request__{name}": given[name]
            for name in _ARGUMENTS
            if isinstance(given.get(name), int | float)
        },
    )


def _evaluation(
    name: str, value: float | None, label: str, explanation: str, **more: Any
) -> Mapping[str, Any]:
    return _known(
        gen_ai__evaluation__name=name,
        gen_ai__evaluation__score__value=value,
        gen_ai__evaluation__score__label=label,
        gen_ai__evaluation__explanation=explanation,
        **more,
    )


def _outcomes(trial: TrialRecord) -> Iterator[Mapping[str, Any]]:
    """Yield what a trial came to; an invalid one has no value."""
    if trial.kind is OutcomeKind.INVALID:
        yield _evaluation(_UNNAMED, None, "invalid", trial.detail, error__type="invalid_trial")
        return
    label = "" if trial.kind is OutcomeKind.VALUE else trial.kind.value
    for name, value in trial.values.items():
        yield _evaluation(name or _UNNAMED, float(value), label, trial.detail)


def _verdicts(result: HypothesisResult) -> Iterable[Mapping[str, Any]]:
    """Return what the claim, or each part of a joint one, came to."""
    found = [
        _evaluation(
            measure.claim,
            measure.estimate,
            measure.verdict.value,
            measure.certified,
            velo__n=measure.n,
            **_ends(measure.interval),
        )
        for measure in measures(result)
    ]
    if len(found) == 1 and result.outcome is not Outcome.ERROR:
        return found
    explanation = result.problem or ("" if result.decision is None else result.decision.certified)
    error = "hypothesis" if result.outcome is Outcome.ERROR else None
    return [*found, _evaluation(result.claim, None, result.outcome.value, explanation, error__type=error)]


def _ends(interval: Any) -> dict[str, float]:
    if interval is None:
        return {}
    return {
        "velo__interval__low": interval.low,
        "velo__interval__high": interval.high,
        "velo__interval__level": interval.level,
    }
