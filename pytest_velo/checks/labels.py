"""What a case says the answer is."""

from __future__ import annotations

from typing import Any

from pytest_velo.case_sets import Case
from pytest_velo.records import TrialRecord

LABELS = ("target", "answer", "label", "expected", "gold", "solution", "answer_matching_behavior")
"""Fields of a case that are its label; the first one there is."""


def label_of(trial: TrialRecord) -> str:
    """Return what a trial's case says the answer is; empty if it does not say, or says several things."""
    if isinstance(trial.target, str) and trial.target:
        return trial.target.strip()
    name = label_field(trial.case)
    return str(fields_of(trial.case)[name]).strip() if name else ""


def label_field(case: Any) -> str:
    """Return the name of a case's label; empty if it has none that is a text or a number."""
    fields = fields_of(case)
    for name in LABELS:
        value = fields.get(name)
        if isinstance(value, str | int | float) and str(value).strip():
            return name
    return ""


def fields_of(case: Any) -> dict[str, Any]:
    """Return the fields of a case by name; none if it has none."""
    if isinstance(case, Case):
        return vars(case)
    return case if isinstance(case, dict) else {}
