"""The versioned document of a run: what every reporter reads and what is stored.

What the same seed reproduces is kept apart from the circumstances, which it does not reproduce: times, and
whatever depends on how many trials were in flight or on what the cache held.

Pairs of pure functions `..._to_json` / `..._from_json` over an allow-list of fields. The document itself has
no trials: those are in `trials.jsonl` next to it (see `report.record`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeVar

from pytest_velo.errors import StoreError
from pytest_velo.reading import checked
from pytest_velo.records import (
    Assumed,
    HypothesisResult,
    Invalid,
    JsonObject,
    Outcome,
    OutcomeKind,
    Repeat,
    Standing,
    Stubbed,
    TrialRecord,
    UnitKind,
)
from pytest_velo.report.attempts import (
    attempt_from_json,
    attempt_to_json,
    prediction_from_json,
    prediction_to_json,
)
from pytest_velo.report.covariates import covariate_from_json, covariate_to_json
from pytest_velo.report.decisions import (
    decision_from_json,
    decision_to_json,
    family_from_json,
    family_to_json,
)
from pytest_velo.report.found import found_from_json, found_to_json
from pytest_velo.report.ladder_record import ladder_from_json, ladder_to_json
from pytest_velo.report.repeats import (
    confirmation_from_json,
    confirmation_to_json,
    repeat_from_json,
    repeat_to_json,
    replication_from_json,
    replication_to_json,
)
from pytest_velo.report.transcript import trial_from_json, trial_to_json
from pytest_velo.report.truth import truth_from_json, truth_to_json
from pytest_velo.settings import ShowKind

T = TypeVar("T")
R = TypeVar("R")

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
    "max_units",
    "seed",
    "rerun",
    "claim_hash",
    "body_digest",
)
_CIRCUMSTANCES = (
    "n_calls",
    "n_cached",
    "cost_usd",
    "n_unpriced",
    "priced_usd",
    "usd_per_turn",
    "n_in_flight_max",
    "oldest_draw",
    "n_retries",
    "duration_s",
    "n_earlier",
)
_SINCE = frozenset(
    {"body_digest", "max_units", "n_unpriced", "priced_usd", "usd_per_turn", "n_earlier"}
)  # older records lack them


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDocument:
    """One run.

    Attributes:
        version: Version of the document's format, not of the package.
        velo_version: Version of the package that wrote it.
        run_id: The name of the run's folder.
        started_at: ISO 8601, UTC.
        duration_s: Wall time in seconds.
        seed: The root seed.
        mode: Where draws came from: `auto`, `replay`, `refresh`, `estimate`.
        models: The default models of the session.
        results: In the order they ran.
        environment: What ran it: `python`, `pytest`, `platform`; empty in older records.
        repeats: The run that it repeats; None if it repeats none.
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
    environment: Mapping[str, str] = field(default_factory=dict)
    repeats: Repeat | None = None


def to_json(document: RunDocument) -> dict[str, Any]:
    """Return the document as JSON, without its trials.

    `circumstances` has what the same seed need not reproduce; `circumstances["hypotheses"]` has one entry per
    result, in the same order.
    """
    results = [result_to_json(result) for result in document.results]
    return {
        "version": document.version,
        "velo_version": document.velo_version,
        "seed": document.seed,
        "mode": document.mode,
        "models": list(document.models),
        "repeats": _if_any(repeat_to_json, document.repeats),
        "circumstances": {
            "run_id": document.run_id,
            "started_at": document.started_at,
            "duration_s": document.duration_s,
            "environment": dict(document.environment),
            "hypotheses": [result.pop("circumstances") for result in results],
        },
        "results": results,
    }


def from_json(data: JsonObject) -> RunDocument:
    """Undo `to_json`.

    Raises:
        StoreError: The document has a newer version, or lacks a field.
    """
    version = data.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise StoreError(
            f"its format is version {version!r}; this pytest-velo reads versions up to {VERSION}",
            where="run record",
            fix="pip install --upgrade pytest-velo",
        )
    try:
        around = data["circumstances"]
        each = zip(data["results"], around["hypotheses"], strict=True)
        document = RunDocument(
            version=version,
            velo_version=data["velo_version"],
            run_id=around["run_id"],
            started_at=around["started_at"],
            duration_s=around["duration_s"],
            seed=data["seed"],
            mode=data["mode"],
            models=tuple(data["models"]),
            repeats=_if_any(repeat_from_json, data.get("repeats")),
            environment=dict(around.get("environment", {})),  # older records lack it
            results=tuple(result_from_json({**result, "circumstances": of_it}) for result, of_it in each),
        )
        return checked(document)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _damaged(problem) from problem


def result_to_json(result: HypothesisResult, trials: Iterable[TrialRecord] = ()) -> dict[str, Any]:
    """Return a result as JSON, with the given trials (none by default)."""
    return {
        **{name: getattr(result, name) for name in _RESULT},
        "outcome": result.outcome.value,
        "unit": None if result.unit is None else result.unit.value,
        "invalid": None if result.invalid is None else result.invalid.value,
        "max_trials_marked": result.max_trials_marked,
        "telling": list(result.telling),
        "stubs": [{"what": each.what, "why": each.why, "where": each.where} for each in result.stubs],
        "assumes": [
            {"node_id": each.node_id, "standing": each.standing.value, "told": each.told}
            for each in result.assumes
        ],
        "ladder": _if_any(ladder_to_json, result.ladder),
        "models_served": list(result.models_served),
        "facts": list(result.facts),
        "notices": list(result.notices),
        "found": [found_to_json(found) for found in result.found],
        "family": _if_any(family_to_json, result.family),
        "decision": _if_any(decision_to_json, result.decision),
        "replication": _if_any(replication_to_json, result.replication),
        "covariate": _if_any(covariate_to_json, result.covariate),
        "truth": _if_any(truth_to_json, result.truth),
        "trials": [trial_to_json(result.node_id, trial) for trial in trials],
        "circumstances": {
            **{name: getattr(result, name) for name in _CIRCUMSTANCES},
            "attempt": _if_any(attempt_to_json, result.attempt),
            "prediction": _if_any(prediction_to_json, result.prediction),
            "confirmation": None
            if result.confirmation is None
            else confirmation_to_json(result.confirmation),
            "outside": dict(result.outside),
            "usd_by_arm": dict(result.usd_by_arm),
            "n_unused": None if result.decision is None else result.decision.n_unused,
        },
    }


def result_from_json(data: JsonObject) -> HypothesisResult:
    """Undo `result_to_json`; the trials are those that were written.

    Raises:
        KeyError, TypeError, ValueError: A field is missing or has an invalid value; `from_json` and
            `from_compact` turn these into a `StoreError`.
    """
    around = data["circumstances"]  # what `get` asks of both is absent from older records
    return HypothesisResult(
        **{name: data[name] for name in _RESULT if name in data or name not in _SINCE},
        **{name: around[name] for name in _CIRCUMSTANCES if name in around or name not in _SINCE},
        outside=dict(around.get("outside", {})),  # older records lack it
        usd_by_arm=dict(around.get("usd_by_arm", {})),  # likewise
        outcome=Outcome(data["outcome"]),
        unit=_if_any(UnitKind, data.get("unit")),
        invalid=_if_any(Invalid, data.get("invalid")),
        max_trials_marked=bool(data.get("max_trials_marked")),
        telling=tuple(data["telling"]),
        stubs=tuple(  # older records lack them
            Stubbed(what=each["what"], why=each["why"], where=each["where"]) for each in data.get("stubs", ())
        ),
        assumes=tuple(  # older records lack them
            Assumed(node_id=each["node_id"], standing=Standing(each["standing"]), told=each["told"])
            for each in data.get("assumes", ())
        ),
        ladder=_if_any(ladder_from_json, data.get("ladder")),
        models_served=tuple(data["models_served"]),
        facts=tuple(data["facts"]),
        notices=tuple(data["notices"]),
        found=tuple(map(found_from_json, data.get("found", ()))),  # older records lack it
        family=_if_any(family_from_json, data["family"]),
        attempt=_if_any(attempt_from_json, around.get("attempt")),
        prediction=_if_any(prediction_from_json, around.get("prediction")),
        decision=None
        if data["decision"] is None
        else decision_from_json(data["decision"], around["n_unused"]),
        confirmation=_if_any(confirmation_from_json, around.get("confirmation")),
        replication=_if_any(replication_from_json, data.get("replication")),
        covariate=_if_any(covariate_from_json, data.get("covariate")),
        truth=_if_any(truth_from_json, data.get("truth")),
        trials=tuple(map(trial_from_json, data["trials"])),
    )


def _if_any(convert: Callable[[T], R], value: T | None) -> R | None:
    return None if value is None else convert(value)


def shown_trials(result: HypothesisResult, show: int) -> tuple[TrialRecord, ...]:
    """Return the trials a report shows in full.

    These are the `show` strongest trials against the claim, or pairs with all their arms, and up to `show`
    invalid ones; for an error only the trial that ended it, whatever `show` is.
    """
    if result.outcome is Outcome.ERROR:
        last = result.trials[-1:]
        ended = last and last[0].kind is OutcomeKind.INVALID and last[0].detail in result.problem
        return last if ended else ()
    against = [trial for turn in telling_turns(result)[:show] for trial in turn]
    return (*against, *invalid_trials(result, show))


def telling_turns(result: HypothesisResult) -> list[tuple[TrialRecord, ...]]:
    """Return the telling trials, the arms of one case and repeat together."""
    trials = {trial.index: trial for trial in result.trials}
    known = (trials[index] for index in result.telling if index in trials)
    return [tuple(turn) for _, turn in groupby(known, key=turn_of)]


def turn_of(trial: TrialRecord) -> tuple[str, int]:
    """Return what the arms of one case and repeat have in common; a trial without an arm is alone."""
    return (trial.case_id, trial.repeat) if trial.arm else ("", trial.index)


def invalid_trials(result: HypothesisResult, show: int) -> tuple[TrialRecord, ...]:
    """Return the first `show` invalid trials, one of each reason before a second one of any."""
    telling = frozenset(result.telling)  # an invalid trial of a third arm is shown with its pair
    found = [
        trial for trial in result.trials if trial.kind is OutcomeKind.INVALID and trial.index not in telling
    ]
    firsts = {trial.detail.partition("\n")[0]: trial.index for trial in reversed(found)}.values()
    chosen = sorted(found, key=lambda trial: (trial.index not in firsts, trial.index))[:show]
    return tuple(sorted(chosen, key=lambda trial: trial.index))


def compact(result: HypothesisResult, show: int, kind: ShowKind | None = None) -> str:
    """Return a result as one ASCII string, with only the `show` trials that a report prints.

    With a `kind` of trials its own are those that were chosen.

    It is sent to the controller of pytest-xdist and stored in JUnit properties, where only plain text is
    safe.
    """
    trials = shown_trials(result, show) if kind is None else result.trials
    return _dumps({"version": VERSION, **result_to_json(result, trials)})


def from_compact(text: str) -> HypothesisResult:
    """Undo `compact`.

    Raises:
        StoreError: `compact` did not write the text.
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
