"""Decisions with their evidence, and families, as JSON: pairs of functions over allow-lists of fields."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pytest_velo.records import Family, JsonObject
from pytest_velo.report.transcript import number_from_json, number_to_json
from pytest_velo.verdicts import (
    Decision,
    Evidence,
    FoundCase,
    Interval,
    PairCounts,
    PartVerdict,
    RankedArm,
    Searched,
    Standings,
    StopReason,
    Verdict,
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
_ARM = ("name", "low", "high", "may_win", "n", "n_invalid")
_INTERVALS = ("interval", "wilson", "clopper_pearson")


def family_to_json(family: Family) -> dict[str, Any]:
    """Return a family as JSON."""
    return {**{name: getattr(family, name) for name in _FAMILY}, "procedure": family.procedure}


def family_from_json(data: JsonObject) -> Family:
    """Undo `family_to_json`.

    Raises:
        KeyError: A field is missing.
    """
    procedure = data.get("procedure", "holm")  # older records lack it
    return Family(**{name: data[name] for name in _FAMILY}, procedure=procedure)


def decision_to_json(decision: Decision) -> dict[str, Any]:
    """Return a decision as JSON, except `n_unused`: it depends on how many trials were in flight.

    A number that JSON cannot hold becomes its text.
    """
    return {
        "verdict": decision.verdict.value,
        "stop": decision.stop.value,
        **{name: getattr(decision, name) for name in _DECISION},
        "evidence": _evidence_to_json(decision.evidence),
        "parts": [_part_to_json(part) for part in decision.parts],
        "standings": None if decision.standings is None else _standings_to_json(decision.standings),
        "searched": None if decision.searched is None else _searched_to_json(decision.searched),
    }


def decision_from_json(data: JsonObject, n_unused: int) -> Decision:
    """Undo `decision_to_json`; `n_unused` is the number of draws beyond the stopping prefix.

    Raises:
        KeyError, TypeError, ValueError: A field is missing or has an invalid value.
    """
    return Decision(
        verdict=Verdict(data["verdict"]),
        stop=StopReason(data["stop"]),
        **{name: data[name] for name in _DECISION},
        n_unused=n_unused,
        evidence=_evidence_from_json(data["evidence"]),
        parts=tuple(map(_part_from_json, data["parts"])),
        standings=None
        if data.get("standings") is None  # older records lack it
        else _standings_from_json(data["standings"]),
        searched=None
        if data.get("searched") is None  # older records lack it
        else _searched_from_json(data["searched"]),
    )


def _part_to_json(part: PartVerdict) -> dict[str, Any]:
    return {
        "claim": part.claim,
        "verdict": part.verdict.value,
        "certified": part.certified,
        "estimate": number_to_json(part.estimate),
        "interval": interval_to_json(part.interval),
    }


def _part_from_json(data: JsonObject) -> PartVerdict:
    return PartVerdict(
        claim=data["claim"],
        verdict=Verdict(data["verdict"]),
        certified=data["certified"],
        estimate=number_from_json(data["estimate"]),
        interval=interval_from_json(data["interval"]),
    )


def _evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    return {
        **{name: getattr(evidence, name) for name in _COUNTS},
        **{name: number_to_json(getattr(evidence, name)) for name in _NUMBERS},
        **{name: interval_to_json(getattr(evidence, name)) for name in _INTERVALS},
        "arms": dict(evidence.arms),
        "pairs": None if evidence.pairs is None else asdict(evidence.pairs),
        "interval_of": evidence.interval_of,
    }


def _evidence_from_json(data: JsonObject) -> Evidence:
    fields: dict[str, Any] = {
        **{name: data[name] for name in _COUNTS},
        **{name: number_from_json(data[name]) for name in _NUMBERS},
        **{name: interval_from_json(data[name]) for name in _INTERVALS},
        "arms": dict(data["arms"]),
        "pairs": None if data.get("pairs") is None else PairCounts(**data["pairs"]),  # older records lack it
        "interval_of": data.get("interval_of"),  # older records lack it
    }
    return Evidence(**fields)


def _standings_to_json(standings: Standings) -> dict[str, Any]:
    return {
        "top": standings.top,
        "winners": list(standings.winners),
        "arms": [
            {
                **{name: getattr(arm, name) for name in _ARM},
                "estimate": number_to_json(arm.estimate),
                "interval": interval_to_json(arm.interval),
            }
            for arm in standings.arms
        ],
    }


def _standings_from_json(data: JsonObject) -> Standings:
    return Standings(
        top=data["top"],
        winners=tuple(data["winners"]),
        arms=tuple(
            RankedArm(
                **{name: arm[name] for name in _ARM},
                estimate=number_from_json(arm["estimate"]),
                interval=interval_from_json(arm["interval"]),
            )
            for arm in data["arms"]
        ),
    )


_FOUND = (
    "found",
    "smallest",
    "case_id",
    "n_smaller",
    "is_smallest",
    "certified",
    "level",
    "n",
    "n_against",
    "n_invalid",
)
_SEARCHED = ("source", "n_cases", "n_exploring", "n_shrinking", "n_confirming", "saved")


def _searched_to_json(searched: Searched) -> dict[str, Any]:
    return {
        **{name: getattr(searched, name) for name in _SEARCHED},
        "findings": [
            {
                **{name: getattr(found, name) for name in _FOUND},
                "verdict": found.verdict.value,
                "estimate": number_to_json(found.estimate),
                "interval": interval_to_json(found.interval),
                "p_value": number_to_json(found.p_value),
            }
            for found in searched.findings
        ],
    }


def _searched_from_json(data: JsonObject) -> Searched:
    return Searched(
        **{name: data[name] for name in _SEARCHED},
        findings=tuple(
            FoundCase(
                **{name: found[name] for name in _FOUND},
                verdict=Verdict(found["verdict"]),
                estimate=number_from_json(found["estimate"]),
                interval=interval_from_json(found["interval"]),
                p_value=number_from_json(found["p_value"]),
            )
            for found in data["findings"]
        ),
    )


def interval_to_json(ends: Interval | None) -> dict[str, float] | None:
    """Return an interval as JSON."""
    return None if ends is None else {"low": ends.low, "high": ends.high, "level": ends.level}


def interval_from_json(data: JsonObject | None) -> Interval | None:
    """Undo `interval_to_json`."""
    return None if data is None else Interval(low=data["low"], high=data["high"], level=data["level"])
