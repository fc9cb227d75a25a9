"""A run as documents of Every Eval Ever, the EvalEval coalition's format for results: one for each model.

Source:
    `eval.schema.json` 0.3.0, https://github.com/evaleval/every_eval_ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from pytest_velo.records import HypothesisResult, TrialRecord
from pytest_velo.report.document import RunDocument
from pytest_velo.report.exports.measures import Measure, measures
from pytest_velo.report.exports.places import digest
from pytest_velo.report.stubs import stub_text

SCHEMA_VERSION = "0.3.0"
_UNKNOWN = "unknown"
_ARGUMENTS = ("temperature", "top_p", "max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The document of one model.

    Attributes:
        model: The model's id.
        name: What the format names its file by: a UUID of version 4.
        content: The document, as plain JSON.
    """

    model: str
    name: str
    content: dict[str, Any]


TrialsOf = Callable[[str], Sequence[TrialRecord]]
"""Reads the trials of a test, by its node id: a record keeps them apart, and few fit into memory at once."""


def fits(result: HypothesisResult) -> bool:
    """Tell whether the format has a place for a result: it needs a model and a number."""
    return result.model is not None and bool(measures(result))


def evaluations(document: RunDocument, trials_of: TrialsOf, written_at: datetime) -> list[Evaluation]:
    """Return a document for each model that has results.

    Args:
        document: The run's; results that do not fit are left out.
        trials_of: Reads their trials.
        written_at: Now.
    """
    told = [result for result in document.results if fits(result)]
    by_model = groupby(sorted(told, key=_model), key=_model)  # the sort is stable: as they ran
    return [_evaluation(document, model, [*of_it], trials_of, written_at) for model, of_it in by_model]


def _model(result: HypothesisResult) -> str:
    return result.model or ""


def _evaluation(
    document: RunDocument,
    model: str,
    results: Sequence[HypothesisResult],
    trials_of: TrialsOf,
    written_at: datetime,
) -> Evaluation:
    stamp = f"{written_at.timestamp():.6f}"
    content = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"pytest-velo {document.run_id}/{model}/{stamp}",
        "evaluation_timestamp": document.started_at,
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": "pytest-velo",
            "source_type": "evaluation_run",
            "source_organization_name": _UNKNOWN,
            "evaluator_relationship": "other",
        },
        "eval_library": {
            "name": "pytest-velo",
            "version": document.velo_version,
            "additional_details": _texts(run_id=document.run_id, mode=document.mode, seed=document.seed),
        },
        "model_info": _model_info(model, results),
        "evaluation_results": [
            entry for result in results for entry in _entries(document, result, trials_of(result.node_id))
        ],
    }
    name = UUID(hex=digest(f"{document.run_id} {model}", 32), version=4)
    return Evaluation(model=model, name=str(name), content=content)


def _model_info(model: str, results: Iterable[HypothesisResult]) -> dict[str, Any]:
    """Return what is known of a model; who made it, and where an endpoint's weights are, is not."""
    embedded = model.startswith("local/")
    served = sorted({name for result in results for name in result.models_served})
    return {
        "name": model.rpartition("/")[2],
        "id": model,
        "additional_details": {
            "deployment_type": "self_deployed" if embedded else _UNKNOWN,
            "model_availability": "open_weights" if embedded else _UNKNOWN,
            **_texts(models_served=", ".join(served)),
        },
    }


def _entries(
    document: RunDocument, result: HypothesisResult, trials: Sequence[TrialRecord]
) -> list[dict[str, Any]]:
    generated = _generation(result, trials)
    return [
        {
            "evaluation_result_id": f"{document.run_id}/{result.node_id}/{measure.claim}",
            "evaluation_name": result.node_id,
            "source_data": {
                "dataset_name": result.node_id.partition("::")[0],
                "source_type": "other",
                "additional_details": _texts(scope=result.scope, n_cases=_n_cases(trials)),
            },
            "evaluation_timestamp": document.started_at,
            "metric_config": _metric(result, measure),
            "score_details": _score(result, measure),
            "generation_config": generated,
        }
        for measure in measures(result)
    ]


def _metric(result: HypothesisResult, measure: Measure) -> dict[str, Any]:
    """Return what the number is. Whether less of it is better is no one's to guess: it goes by the claim."""
    of = measure.of
    known: dict[str, Any] = {}
    if of.low is not None and of.high is not None:
        known = {"score_type": "continuous", "min_score": of.low, "max_score": of.high}
    return {
        "evaluation_description": result.belief,
        "metric_id": f"pytest_velo.{of.kind}",
        "metric_name": of.text,
        "metric_kind": of.kind,
        **({"metric_unit": "proportion"} if of.kind == "rate" else {}),
        "lower_is_better": of.at_most,
        **known,
        "additional_details": _texts(
            claim=measure.claim, lower_is_better="the direction of the claim, not a judgement"
        ),
    }


def _score(result: HypothesisResult, measure: Measure) -> dict[str, Any]:
    decision = result.decision
    assert decision is not None  # it has a measure
    evidence = decision.evidence
    uncertainty: dict[str, Any] = {"num_samples": measure.n}
    if measure.interval is not None:
        uncertainty["confidence_interval"] = {
            "lower": measure.interval.low,
            "upper": measure.interval.high,
            "confidence_level": measure.interval.level,
            "method": f"anytime-valid: the sequential test inverted ({evidence.rule})",
        }
    return {
        "score": measure.estimate,
        "uncertainty": uncertainty,
        "details": _texts(
            outcome=result.outcome.value,
            verdict=measure.verdict.value,
            certified=measure.certified,
            alpha=result.alpha,
            beta=result.beta,
            margin=result.margin,
            unit="" if result.unit is None else result.unit.value,
            n_units=evidence.n,
            n_invalid=evidence.n_invalid,
            invalid="" if result.invalid is None else result.invalid.value,
            stopped=decision.stop.value,
            p_support=evidence.p_support,
            p_refute=evidence.p_refute,
            max_trials=result.max_trials,
            stubs="\n".join(map(stub_text, result.stubs)),
            notices="\n".join(result.notices),
            **{f"mean of {arm}": mean for arm, mean in evidence.arms.items()},
        ),
    }


def _generation(result: HypothesisResult, trials: Iterable[TrialRecord]) -> dict[str, Any]:
    """Return the parameters that all calls of the model share; one that differs among them is left out."""
    calls = [call for trial in trials for call in trial.calls if call.model == result.model]
    shared: dict[str, Any] = {"execution_command": result.rerun} if result.rerun else {}
    for name in _ARGUMENTS:
        values = [call.request.parameters.get(name) for call in calls]
        if values and type(values[0]) in (int, float) and all(value == values[0] for value in values):
            shared[name] = values[0]
    return {"generation_args": shared}


def _n_cases(trials: Iterable[TrialRecord]) -> int | None:
    return len({trial.case_id for trial in trials if trial.case_id}) or None


def _texts(**values: Any) -> dict[str, str]:
    """Return details as the format wants them, all texts; what is unknown or empty is left out."""
    return {name: str(value) for name, value in values.items() if value is not None and value != ""}
