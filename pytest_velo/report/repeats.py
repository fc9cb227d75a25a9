"""Confirmations and repeats as JSON: pairs of functions over allow-lists of fields."""

from __future__ import annotations

from typing import Any

from pytest_velo.records import Confirmation, JsonObject, Outcome, Repeat, RepeatKind, Replication
from pytest_velo.report.decisions import interval_from_json, interval_to_json
from pytest_velo.report.transcript import number_from_json, number_to_json


def confirmation_to_json(found: Confirmation) -> dict[str, Any]:
    """Return a confirmation as JSON."""
    return {
        "hash": found.hash,
        "frozen_at": found.frozen_at,
        "number": found.number,
        "earlier": list(found.earlier),
        "doubt": found.doubt,
    }


def confirmation_from_json(data: JsonObject) -> Confirmation:
    """Undo `confirmation_to_json`.

    Raises:
        KeyError, TypeError: A field is missing or has an invalid value.
    """
    return Confirmation(
        hash=data["hash"],
        frozen_at=data["frozen_at"],
        number=data["number"],
        earlier=tuple(data["earlier"]),
        doubt=data["doubt"],
    )


def repeat_to_json(repeat: Repeat) -> dict[str, Any]:
    """Return which run is repeated as JSON."""
    return {"kind": repeat.kind.value, "run": repeat.run, "on": repeat.on, "number": repeat.number}


def repeat_from_json(data: JsonObject) -> Repeat:
    """Undo `repeat_to_json`.

    Raises:
        KeyError, ValueError: A field is missing or has an invalid value.
    """
    return Repeat(kind=RepeatKind(data["kind"]), run=data["run"], on=data["on"], number=data["number"])


def replication_to_json(found: Replication) -> dict[str, Any]:
    """Return a replication as JSON."""
    return {
        "outcome": found.outcome.value,
        "winners": list(found.winners),
        "estimate": number_to_json(found.estimate),
        "interval": interval_to_json(found.interval),
        "n_runs": found.n_runs,
        "combined": found.combined,
        "log_e_support": number_to_json(found.log_e_support),
        "log_e_refute": number_to_json(found.log_e_refute),
        "why_not": found.why_not,
        "difference": number_to_json(found.difference),
        "difference_interval": interval_to_json(found.difference_interval),
        "n_labels": found.n_labels,
    }


def replication_from_json(data: JsonObject) -> Replication:
    """Undo `replication_to_json`.

    Raises:
        KeyError, TypeError, ValueError: A field is missing or has an invalid value.
    """
    return Replication(
        outcome=Outcome(data["outcome"]),
        winners=tuple(data.get("winners", ())),  # new: older records have none
        estimate=number_from_json(data["estimate"]),
        interval=interval_from_json(data["interval"]),
        n_runs=data["n_runs"],
        combined=data["combined"],
        log_e_support=number_from_json(data["log_e_support"]),
        log_e_refute=number_from_json(data["log_e_refute"]),
        why_not=data["why_not"],
        difference=number_from_json(data["difference"]),
        difference_interval=interval_from_json(data["difference_interval"]),
        n_labels=data.get("n_labels"),  # new: older records have none
    )
