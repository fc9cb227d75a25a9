"""The tables and their columns. Each column holds one kind of value, or null where that is not known.

What users name themselves stands behind a dot: `case.question`, `outcome.asr`. So none of it can be taken for
a column of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Table(StrEnum):
    """What a row is."""

    TRIALS = "trials"
    HYPOTHESES = "hypotheses"
    CLAIMS = "claims"
    MESSAGES = "messages"


class Kind(StrEnum):
    """What a column holds; `ANY` becomes one of the others, by its values."""

    ANY = "any"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"


_ANY, _TEXT, _INTEGER, _NUMBER, _FLAG = Kind

COLUMNS: Mapping[Table, Mapping[str, Kind]] = {
    Table.TRIALS: {
        "run": _TEXT,
        "hypothesis": _TEXT,
        "claim": _TEXT,
        "model": _TEXT,
        "arm": _TEXT,
        "case_id": _TEXT,
        "case": _ANY,
        "trial": _INTEGER,
        "repeat": _INTEGER,
        "pair": _INTEGER,
        "unit": _INTEGER,
        "seed": _INTEGER,
        "outcome": _NUMBER,
        "label": _NUMBER,
        "invalid": _FLAG,
        "invalid_reason": _TEXT,
        "counted": _FLAG,
        "error": _TEXT,
        "detail": _TEXT,
        "location": _TEXT,
        "notes": _TEXT,
        "text": _TEXT,
        "finish_reason": _TEXT,
        "refused": _FLAG,
        "judgement": _TEXT,
        "n_calls": _INTEGER,
        "n_cached": _INTEGER,
        "cached": _FLAG,
        "input_tokens": _INTEGER,
        "output_tokens": _INTEGER,
        "reasoning_tokens": _INTEGER,
        "cost_usd": _NUMBER,
        "price_usd": _NUMBER,
        "latency_s": _NUMBER,
    },
    Table.HYPOTHESES: {
        "run": _TEXT,
        "started_at": _TEXT,
        "mode": _TEXT,
        "hypothesis": _TEXT,
        "belief": _TEXT,
        "claim": _TEXT,
        "scope": _TEXT,
        "model": _TEXT,
        "outcome": _TEXT,
        "verdict": _TEXT,
        "certified": _TEXT,
        "stop": _TEXT,
        "problem": _TEXT,
        "estimate": _NUMBER,
        "low": _NUMBER,
        "high": _NUMBER,
        "level": _NUMBER,
        "unit": _TEXT,
        "n": _INTEGER,
        "n_trials": _INTEGER,
        "n_invalid": _INTEGER,
        "p_support": _NUMBER,
        "p_refute": _NUMBER,
        "alpha": _NUMBER,
        "beta": _NUMBER,
        "margin": _NUMBER,
        "max_trials": _INTEGER,
        "seed": _INTEGER,
        "family": _TEXT,
        "n_calls": _INTEGER,
        "n_cached": _INTEGER,
        "cost_usd": _NUMBER,
        "n_unused": _INTEGER,
        "n_saved": _INTEGER,
        "duration_s": _NUMBER,
        "stubs": _TEXT,
        "facts": _TEXT,
        "notices": _TEXT,
        "rerun": _TEXT,
    },
    Table.CLAIMS: {
        "run": _TEXT,
        "hypothesis": _TEXT,
        "model": _TEXT,
        "claim": _TEXT,
        "statistic": _TEXT,
        "of": _TEXT,
        "first_arm": _TEXT,
        "second_arm": _TEXT,
        "verdict": _TEXT,
        "certified": _TEXT,
        "estimate": _NUMBER,
        "low": _NUMBER,
        "high": _NUMBER,
        "level": _NUMBER,
        "n": _INTEGER,
    },
    Table.MESSAGES: {
        "run": _TEXT,
        "hypothesis": _TEXT,
        "arm": _TEXT,
        "case_id": _TEXT,
        "trial": _INTEGER,
        "call": _INTEGER,
        "place": _INTEGER,
        "model": _TEXT,
        "role": _TEXT,
        "text": _TEXT,
    },
}
"""The columns of each table that every run has, in order; `case.…` and `outcome.…` come in between."""

CASE = "case."
OUTCOME = "outcome."
AFTER = {CASE: "case", OUTCOME: "outcome"}
"""Where columns that users name stand: behind which of ours."""
