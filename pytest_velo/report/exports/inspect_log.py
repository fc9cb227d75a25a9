"""A hypothesis as a log of Inspect: one task, a sample for each trial or pair, as plain JSON.

Inspect's own types check it and write it (`writing`). What it has no field for is in the log's metadata. An
invalid trial is a sample with an error and without a score, so that no mean of scores takes it for a 0.

Source:
    `inspect_ai.log.EvalLog`, version 2: https://inspect.aisi.org.uk/eval-logs.html.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from pytest_velo.records import Call, HypothesisResult, Outcome, OutcomeKind, TrialRecord
from pytest_velo.report.document import RunDocument, turn_of
from pytest_velo.report.exports.conversation import (
    conversation,
    output_of,
    reply_message,
    request_messages,
    usage_of,
)
from pytest_velo.report.exports.measures import Measure, Measured, measured, measures
from pytest_velo.report.exports.places import digest
from pytest_velo.report.stubs import stub_text
from pytest_velo.verdicts import StopReason

_LOG_VERSION = 2
_NO_MODEL = "none/none"
"""What Inspect calls it, too."""
_UNNAMED = "outcome"
_ID_LENGTH = 22


def log_id(document: RunDocument, result: HypothesisResult) -> str:
    """Return what identifies the log: the same whenever this run is written."""
    return digest(f"{document.run_id} {result.node_id}", _ID_LENGTH)


def task_name(result: HypothesisResult) -> str:
    """Return the test's name, with its class and parameters but without its file."""
    return result.node_id.partition("::")[2] or result.node_id


def log_of(document: RunDocument, result: HypothesisResult, trials: Sequence[TrialRecord]) -> dict[str, Any]:
    """Return the log of one hypothesis.

    Args:
        document: The run's.
        result: The hypothesis.
        trials: Its trials, in submission order.
    """
    samples = [*_samples(f"{document.run_id} {result.node_id}", measured(result.claim), trials)]
    ids = list(dict.fromkeys(sample["id"] for sample in samples))
    file = result.node_id.partition("::")[0]
    return {
        "version": _LOG_VERSION,
        "status": _status(result),
        "eval": {
            "run_id": document.run_id,
            "eval_id": log_id(document, result),
            "created": document.started_at,
            "task": task_name(result),
            "task_id": digest(result.node_id, _ID_LENGTH),
            "task_file": file,
            "task_attribs": {},
            "task_args": {},
            "dataset": {"name": result.scope or file, "samples": len(ids), "sample_ids": ids},
            "model": result.model or _NO_MODEL,
            "config": {"epochs": max((sample["epoch"] for sample in samples), default=1)},
            "packages": {"pytest-velo": document.velo_version},
            "metadata": _about(result),
        },
        "plan": {"name": "pytest-velo", "steps": [{"solver": "trial", "params": {}}]},
        "results": _results(result, samples),
        "stats": {
            "started_at": document.started_at,
            "completed_at": _ended(document),
            "model_usage": _usage(call for trial in trials for call in trial.calls),
        },
        "error": _error(result.problem) if result.outcome is Outcome.ERROR else None,
        "samples": samples,
    }


def _status(result: HypothesisResult) -> str:
    """Return how the run of the task ended, which is not its verdict."""
    if result.outcome is Outcome.ERROR:
        return "error"
    stopped = result.decision is not None and result.decision.stop is StopReason.INTERRUPTED
    return "cancelled" if stopped or result.outcome is Outcome.SKIPPED else "success"


def _ended(document: RunDocument) -> str:
    began = datetime.fromisoformat(document.started_at)
    return (began + timedelta(seconds=document.duration_s)).isoformat()


def _about(result: HypothesisResult) -> dict[str, Any]:
    """Return the belief, the verdict and the evidence."""
    decision = result.decision
    told: dict[str, Any] = {
        "belief": result.belief,
        "claim": result.claim,
        "scope": result.scope,
        "outcome": result.outcome.value,
        "problem": result.problem,
        "alpha": result.alpha,
        "beta": result.beta,
        "margin": result.margin,
        "max_trials": result.max_trials,
        "seed": result.seed,
        "unit": None if result.unit is None else result.unit.value,
        "invalid": None if result.invalid is None else result.invalid.value,
        "n_calls": result.n_calls,
        "n_from_cache": result.n_cached,
        "cost_usd": result.cost_usd,
        "models_served": list(result.models_served),
        **({"stubs": [*map(stub_text, result.stubs)]} if result.stubs else {}),
        "facts": list(result.facts),
        "notices": list(result.notices),
        "rerun": result.rerun,
    }
    if decision is not None:
        evidence = decision.evidence
        told |= {
            "verdict": decision.verdict.value,
            "certified": decision.certified,
            "stopped": decision.stop.value,
            "n_units": evidence.n,
            "n_for": evidence.n_for,
            "n_against": evidence.n_against,
            "n_invalid": evidence.n_invalid,
            "p_support": evidence.p_support,
            "p_refute": evidence.p_refute,
        }
    if result.family is not None:
        told["family"] = result.family.name
    return {"velo": told}


def _samples(whose: str, of: Measured, trials: Iterable[TrialRecord]) -> Iterator[dict[str, Any]]:
    """Yield a sample for each trial; one for all arms of a case and repeat."""
    taken: Counter[str | int] = Counter()
    for _, turn in groupby(trials, key=turn_of):
        together = list(turn)
        name = together[0].case_id or 1
        taken[name] = epoch = max(taken[name] + 1, together[0].repeat + 1)
        uuid = digest(f"{whose} {together[0].index}", _ID_LENGTH)
        yield {"id": name, "epoch": epoch, "uuid": uuid, **_sample(together, of, uuid)}


def _sample(turn: Sequence[TrialRecord], of: Measured, uuid: str) -> dict[str, Any]:
    calls = [call for trial in turn for call in trial.calls]
    messages = [{"id": f"{uuid}-{n}", **message} for n, message in enumerate(conversation(turn))]
    scores = {name: score for trial in turn for name, score in _scores(trial)}
    invalid = [trial for trial in turn if trial.kind is OutcomeKind.INVALID]
    return {
        "input": messages[: len(request_messages(calls[0]))] if calls else "",
        "target": turn[0].target,
        "messages": messages,
        "output": output_of(calls[-1], messages[-1]) if calls else {},
        "events": [{"uuid": f"{uuid}-call-{n}", **event} for n, event in enumerate(_events(turn))],
        "scores": scores | _gain(of, scores),
        "metadata": {"velo": [_about_trial(trial) for trial in turn]},
        "model_usage": _usage(calls),
        "error": _error("\n".join(map(_why, invalid))) if invalid else None,
    }


def _events(turn: Iterable[TrialRecord]) -> Iterator[dict[str, Any]]:
    """Yield each call as Inspect's event of one: its own input, parameters, tokens and time."""
    for trial in turn:
        for call in trial.calls:
            ended = datetime.fromisoformat(call.drawn_at)
            told = {"arm": trial.arm, "trial": trial.index, "parameters": dict(call.request.parameters)}
            yield {
                "event": "model",
                "model": call.model,
                "input": request_messages(call),
                "tools": [],
                "tool_choice": "auto",
                "config": _config(call.request.parameters),
                "output": output_of(call, reply_message(call)),
                "cache": "read" if call.reply.cached else None,
                "timestamp": (ended - timedelta(seconds=call.reply.latency_s or 0.0)).isoformat(),
                "completed": ended.isoformat(),
                "working_start": 0.0,
                "metadata": {"velo": told},
            }


def _config(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that Inspect has under the same name; the others are in the event's metadata."""
    return {
        name: parameters[name]
        for name in ("temperature", "top_p", "max_tokens")
        if type(parameters.get(name)) in (int, float)
    }


def _about_trial(trial: TrialRecord) -> dict[str, Any]:
    return {
        "trial": trial.index,
        "arm": trial.arm,
        "repeat": trial.repeat,
        "seed": trial.seed,
        "outcome": trial.kind.value,
        "location": trial.location,
        "notes": list(trial.notes),
        "models": sorted({call.model for call in trial.calls}),
    }


def _why(trial: TrialRecord) -> str:
    return f"invalid trial{f' of arm {trial.arm}' if trial.arm else ''}: {trial.detail}"


def _error(message: str) -> dict[str, str]:
    return {"message": message, "traceback": message, "traceback_ansi": message}


def _scores(trial: TrialRecord) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each outcome of a valid trial."""
    if trial.kind is OutcomeKind.INVALID:
        return
    answer = trial.calls[-1].reply.text if trial.calls else None
    for outcome, value in trial.values.items():
        yield (
            _score_name(outcome, trial.arm),
            {"value": value, "answer": answer, "explanation": trial.detail or None},
        )


def _gain(of: Measured, scores: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the score of a pair, where both of its arms are valid."""
    names = [_score_name(of.outcome, arm) for arm in of.arms]
    if not names or not all(name in scores for name in names):
        return {}
    first, second = (scores[name]["value"] for name in names)
    return {of.text: {"value": first - second}}


def _score_name(outcome: str, arm: str) -> str:
    """Return the name of a score; it is what its column is called."""
    if not arm:
        return outcome or _UNNAMED
    return f"{arm}: {outcome}" if outcome else arm


def _results(result: HypothesisResult, samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the scores with their metrics; what is claimed comes first, which makes it the headline."""
    scored = Counter(name for sample in samples for name in sample["scores"])
    metrics: dict[str, dict[str, Any]] = {}
    for measure in measures(result):
        name = measure.of.text if measure.of.kind == "difference" else measure.of.outcome or _UNNAMED
        metrics.setdefault(name, {}).update(_metrics(result, measure))
        for arm, mean in ({} if result.decision is None else result.decision.evidence.arms).items():
            of_it = metrics.setdefault(_score_name(measure.of.outcome, arm), {})
            of_it["mean"] = {"name": "mean", "value": mean}
    for name in scored:
        metrics.setdefault(name, {})
    return {
        "total_samples": len(samples),
        "completed_samples": sum(sample["error"] is None for sample in samples),
        "early_stopping": _stopping(result),
        "scores": [
            {
                "name": name,
                "scorer": name,
                "scored_samples": scored[name] or None,  # none where the baseline has the other half
                "unscored_samples": len(samples) - scored[name] if scored[name] else None,
                "metrics": of_it,
            }
            for name, of_it in metrics.items()
        ],
    }


def _stopping(result: HypothesisResult) -> dict[str, Any] | None:
    """Tell Inspect why not every case has every epoch."""
    if result.decision is None:
        return None
    told = {"stopped": result.decision.stop.value, "n_saved": result.decision.n_saved}
    return {"manager": "pytest-velo", "early_stops": [], "metadata": told}


def _metrics(result: HypothesisResult, measure: Measure) -> dict[str, Any]:
    """Return the estimate, its interval and its n, each with what they mean."""
    about = {
        "claim": measure.claim,
        "verdict": measure.verdict.value,
        "certified": measure.certified,
        "alpha": result.alpha,
        "beta": result.beta,
    }
    values: dict[str, float | int] = {measure.of.kind: measure.estimate}
    if measure.interval is not None:
        values |= {"interval_low": measure.interval.low, "interval_high": measure.interval.high}
        about |= {"interval_level": measure.interval.level, "interval_valid": "at any stopping time"}
    values["n"] = measure.n
    return {
        name: {"name": name, "value": value, "metadata": about}
        for name, value in values.items()
        if math.isfinite(value)
    }


def _usage(calls: Iterable[Call]) -> dict[str, dict[str, Any]]:
    """Return the tokens of the calls that were made now, by model; a model with an unknown count has none."""
    totals: dict[str, dict[str, Any] | None] = {}
    for call in calls:
        if call.reply.cached:
            continue
        used = usage_of(call.reply.usage, call.reply.cost_usd)
        known = totals.get(call.model, {})
        totals[call.model] = None if used is None or known is None else _added(known, used)
    return {model: total for model, total in totals.items() if total}


def _added(total: dict[str, Any], used: dict[str, Any]) -> dict[str, Any]:
    """Add tokens; what is unknown once is unknown in all."""
    if not total:
        return used
    return {name: None if n is None or total[name] is None else total[name] + n for name, n in used.items()}
