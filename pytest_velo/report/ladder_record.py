"""Ladders as JSON: a pair of functions over an allow-list of fields.

What the same seed need not reproduce (calls, dollars) stands among a rung's `circumstances`.
"""

from __future__ import annotations

from typing import Any

from pytest_velo.records import JsonObject, LadderResult, Outcome, RungResult
from pytest_velo.report.decisions import decision_from_json, decision_to_json

_RUNG = ("name", "why", "alpha", "model", "recorded_as")
_CIRCUMSTANCES = ("n_calls", "n_cached", "cost_usd")


def ladder_to_json(ladder: LadderResult) -> dict[str, Any]:
    """Return a ladder as JSON."""
    return {"alpha": ladder.alpha, "at": ladder.at, "rungs": [_rung_to_json(rung) for rung in ladder.rungs]}


def ladder_from_json(data: JsonObject) -> LadderResult:
    """Undo `ladder_to_json`.

    Raises:
        KeyError, TypeError, ValueError: A field is missing or has an invalid value.
    """
    rungs = tuple(map(_rung_from_json, data["rungs"]))
    if data["at"] is not None and not 0 <= data["at"] < len(rungs):
        raise ValueError(f"there is no rung {data['at']}")
    return LadderResult(alpha=data["alpha"], at=data["at"], rungs=rungs)


def _rung_to_json(rung: RungResult) -> dict[str, Any]:
    return {
        **{name: getattr(rung, name) for name in _RUNG},
        "outcome": None if rung.outcome is None else rung.outcome.value,
        "decision": None if rung.decision is None else decision_to_json(rung.decision),
        "telling": list(rung.telling),
        "notices": list(rung.notices),
        "circumstances": {
            **{name: getattr(rung, name) for name in _CIRCUMSTANCES},
            "n_unused": None if rung.decision is None else rung.decision.n_unused,
        },
    }


def _rung_from_json(data: JsonObject) -> RungResult:
    around = data["circumstances"]
    return RungResult(
        **{name: data[name] for name in _RUNG},
        **{name: around[name] for name in _CIRCUMSTANCES},
        outcome=None if data["outcome"] is None else Outcome(data["outcome"]),
        decision=None
        if data["decision"] is None
        else decision_from_json(data["decision"], around["n_unused"]),
        telling=tuple(data["telling"]),
        notices=tuple(data["notices"]),
    )
