"""The versioned document of a run: what every reporter reads and what is stored.

What the same seed gives again stands apart from the circumstances, which it does not: times, and what
depends on how many trials were in flight or on what the cache held.

Pairs of pure functions `..._to_json` / `..._from_json` over an allow-list of fields. The document itself
holds no trials: those are in `trials.jsonl` beside it (see `report.jsonl`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pytest_velo.errors import StoreError
from pytest_velo.records import Family, HypothesisResult, JsonObject, Outcome, OutcomeKind, TrialRecord
from pytest_velo.report.transcript import number_from_json, number_to_json, trial_from_json, trial_to_json
from pytest_velo.verdicts import Decision, Evidence, Interval, PartVerdict, StopReason, Verdict

VERSION = 3

_RESULT = (
    "node_id",
    "belief",
    "claim",
    "scope",
    "model",
    "problem",
    "alpha",
    "beta",
    "margin",
    "max_trials",
    "seed",
    "rerun",
    "claim_hash",
)
_CIRCUMSTANCES = (
    "n_calls",
    "n_cached",
    "cost_usd",
    "n_in_flight_max",
    "oldest_draw",
    "n_retries",
    "duration_s",
)
_FAMILY = (
    "name",
    "size",
    "alpha",
    "beta",
    "p_support",
    "p_refute",
    "if_supported",
    "if_refuted",
    "by_steps",
)
_DECISION = ("certified", "n_saved", "n_needed")
_COUNTS = ("n", "n_for", "n_against", "n_invalid", "n_ones", "rule")
_NUMBERS = ("estimate", "log_e_support", "log_e_refute", "p_support", "p_refute", "share_of_gap")
_INTERVALS = ("interval", "wilson", "clopper_pearson")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDocument:
    """One run.

    Attributes:
        version: Version of the document's form, not of the package.
        velo_version: Version of the package that wrote it.
        run_id: The name of the run's folder.
        started_at: ISO 8601, UTC.
        duration_s: Wall time in seconds.
        seed: The root seed.
        mode: Where draws came from: `auto`, `replay`, `refresh`, `estimate`.
        models: The default models of the session.
        results: In the order they ran.
    """

    version: int = VERSION
    velo_version: str
    run_id: str
    started_at: str
    duration_s: float
    seed: int
    mode: str
    models: tuple[str, ...]
    results: tuple[HypothesisResult, ...]


def to_json(document: RunDocument) -> dict[str, Any]:
    """Return the document as JSON, without its trials."""
    results = [result_to_json(result) for result in document.results]
    return {
        "version": document.version,
        "velo_version": document.velo_version,
        "seed": document.seed,
        "mode": document.mode,
        "models": list(document.models),
        "circumstances": {
            "run_id": document.run_id,
            "started_at": document.started_at,
            "duration_s": document.duration_s,
            "hypotheses": [result.pop("circumstances") for result in results],
        },
        "results": results,
    }


def from_json(data: JsonObject) -> RunDocument:
    """Undo `to_json`.

    Raises:
        StoreError: The document is of a newer version, or lacks a field.
    """
    version = data.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise StoreError(
            f"it is of version {version!r}; this pytest-velo reads versions up to {VERSION}",
            where="run record",
            fix="pip install --upgrade pytest-velo",
        )
    try:
        around = data["circumstances"]
        each = zip(data["results"], around["hypotheses"], strict=True)
        return RunDocument(
            version=version,
            velo_version=data["velo_version"],
            run_id=around["run_id"],
            started_at=around["started_at"],
            duration_s=around["duration_s"],
            seed=data["seed"],
            mode=data["mode"],
            models=tuple(data["models"]),
            results=tuple(result_from_json({**result, "circumstances": of_it}) for result, of_it in each),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _damaged(problem) from problem


def result_to_json(result: HypothesisResult, trials: Iterable[TrialRecord] = ()) -> dict[str, Any]:
    """Return a result as JSON, with the given trials of it (none by default)."""
    return {
        **{name: getattr(result, name) for name in _RESULT},
        "outcome": result.outcome.value,
        "telling": list(result.telling),
        "models_served": list(result.models_served),
        "facts": list(result.facts),
        "notices": list(result.notices),
        "family": None if result.family is None else _family_to_json(result.family),
        "decision": None if result.decision is None else _decision_to_json(result.decision),
        "trials": [trial_to_json(result.node_id, trial) for trial in trials],
        "circumstances": {
            **{name: getattr(result, name) for name in _CIRCUMSTANCES},
            "n_unused": None if result.decision is None else result.decision.n_unused,
        },
    }


def result_from_json(data: JsonObject) -> HypothesisResult:
    """Undo `result_to_json`; the trials are those that were written."""
    around = data["circumstances"]
    return HypothesisResult(
        **{name: data[name] for name in _RESULT},
        **{name: around[name] for name in _CIRCUMSTANCES},
        outcome=Outcome(data["outcome"]),
        telling=tuple(data["telling"]),
        models_served=tuple(data["models_served"]),
        facts=tuple(data["facts"]),
        notices=tuple(data["notices"]),
        family=None if data["family"] is None else _family_from_json(data["family"]),
        decision=None
        if data["decision"] is None
        else _decision_from_json(data["decision"], around["n_unused"]),
        trials=tuple(map(trial_from_json, data["trials"])),
    )


def shown_trials(result: HypothesisResult, show: int) -> tuple[TrialRecord, ...]:
    """Return the trials a report shows in full.

    Those are the `show` most telling trials against the claim; for an error, only the trial that ended it,
    whatever `show` says.
    """
    if result.outcome is Outcome.ERROR:
        last = result.trials[-1:]
        ended = last and last[0].kind is OutcomeKind.INVALID and last[0].detail in result.problem
        return last if ended else ()
    trials = {trial.index: trial for trial in result.trials}
    return tuple(trials[index] for index in result.telling[:show] if index in trials)


def compact(result: HypothesisResult, show: int) -> str:
    """Return a result as one ASCII string with no trials but the `show` that a report prints.

    It rides to the controller of pytest-xdist and into JUnit's properties, where only plain text is safe.
    """
    return _dumps({"version": VERSION, **result_to_json(result, shown_trials(result, show))})


def from_compact(text: str) -> HypothesisResult:
    """Undo `compact`.

    Raises:
        StoreError: The text is not what `compact` wrote.
    """
    try:
        return result_from_json(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _damaged(problem) from problem


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _damaged(problem: Exception) -> StoreError:
    return StoreError(
        f"it is damaged ({type(problem).__name__}: {problem})",
        where="run record",
        fix="run the tests again; the draws are in the cache, so this costs nothing",
    )


def _family_to_json(family: Family) -> dict[str, Any]:
    return {name: getattr(family, name) for name in _FAMILY}


def _family_from_json(data: JsonObject) -> Family:
    return Family(**{name: data[name] for name in _FAMILY})


def _decision_to_json(decision: Decision) -> dict[str, Any]:
    return {
        "verdict": decision.verdict.value,
        "stop": decision.stop.value,
        **{name: getattr(decision, name) for name in _DECISION},
        "evidence": _evidence_to_json(decision.evidence),
        "parts": [_part_to_json(part) for part in decision.parts],
    }


def _decision_from_json(data: JsonObject, n_unused: int) -> Decision:
    return Decision(
        verdict=Verdict(data["verdict"]),
        stop=StopReason(data["stop"]),
        **{name: data[name] for name in _DECISION},
        n_unused=n_unused,
        evidence=_evidence_from_json(data["evidence"]),
        parts=tuple(map(_part_from_json, data["parts"])),
    )


def _part_to_json(part: PartVerdict) -> dict[str, Any]:
    return {
        "claim": part.claim,
        "verdict": part.verdict.value,
        "certified": part.certified,
        "estimate": number_to_json(part.estimate),
        "interval": _interval_to_json(part.interval),
    }


def _part_from_json(data: JsonObject) -> PartVerdict:
    return PartVerdict(
        claim=data["claim"],
        verdict=Verdict(data["verdict"]),
        certified=data["certified"],
        estimate=number_from_json(data["estimate"]),
        interval=_interval_from_json(data["interval"]),
    )


def _evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    return {
        **{name: getattr(evidence, name) for name in _COUNTS},
        **{name: number_to_json(getattr(evidence, name)) for name in _NUMBERS},
        **{name: _interval_to_json(getattr(evidence, name)) for name in _INTERVALS},
        "arms": dict(evidence.arms),
    }


def _evidence_from_json(data: JsonObject) -> Evidence:
    fields: dict[str, Any] = {
        **{name: data[name] for name in _COUNTS},
        **{name: number_from_json(data[name]) for name in _NUMBERS},
        **{name: _interval_from_json(data[name]) for name in _INTERVALS},
        "arms": dict(data["arms"]),
    }
    return Evidence(**fields)


def _interval_to_json(ends: Interval | None) -> dict[str, float] | None:
    return None if ends is None else {"low": ends.low, "high": ends.high, "level": ends.level}


def _interval_from_json(data: JsonObject | None) -> Interval | None:
    return None if data is None else Interval(low=data["low"], high=data["high"], level=data["level"])
