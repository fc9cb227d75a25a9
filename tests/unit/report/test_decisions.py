"""Decisions with their evidence, and families, as JSON: pairs of functions over allow-lists of fields."""

from __future__ import annotations

from pytest_velo.records import Family
from pytest_velo.report.decisions import (
    decision_from_json,
    decision_to_json,
    family_from_json,
    family_to_json,
)
from support.reports import refuted, undecided


def test_family_to_json() -> None:
    assert family_to_json(Family(name="test_a.py::test_b", size=5, alpha=0.05, beta=0.1))["size"] == 5


def test_family_survives_json() -> None:
    family = Family(name="test_a.py::test_b", size=5, alpha=0.05, beta=0.1, p_support=0.02)
    assert family_from_json(family_to_json(family)) == family


def test_infinite_evidence_is_written_as_text() -> None:
    data = decision_to_json(undecided(log_e_refute=float("-inf")).decision)
    assert data["stop"] == "max_trials"
    assert data["evidence"]["interval"]["low"] == 0.66
    assert data["evidence"]["log_e_refute"] == "-inf"


def test_decision_survives_json() -> None:
    assert decision_from_json(decision_to_json(refuted().decision), n_unused=0) == refuted().decision
