"""The fields of a record that say which attempt at its belief a result is, and what was predicted."""

from __future__ import annotations

from typing import Any

from pytest_velo.records import Attempt, JsonObject, Prediction, Said

_COUNTS = ("number", "n_prompts", "n_bodies", "n_models", "n_rungs", "n_still")


def attempt_to_json(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as JSON."""
    return {
        **{name: getattr(attempt, name) for name in _COUNTS},
        "since": attempt.since,
        "fresh": list(attempt.fresh),
        "untried": list(attempt.untried),
        "alpha": attempt.alpha,
    }


def attempt_from_json(data: JsonObject) -> Attempt:
    """Undo `attempt_to_json`."""
    return Attempt(
        **{name: data[name] for name in _COUNTS},
        since=data["since"],
        fresh=tuple(data["fresh"]),
        untried=tuple(data["untried"]),
        alpha=data["alpha"],
    )


def prediction_to_json(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as JSON."""
    return {
        "p": prediction.p,
        "said": prediction.said.value,
        "at": prediction.at,
        "first": prediction.first,
    }


def prediction_from_json(data: JsonObject) -> Prediction:
    """Undo `prediction_to_json`."""
    return Prediction(p=data["p"], said=Said(data["said"]), at=data["at"], first=data["first"])
