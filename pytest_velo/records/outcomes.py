"""How trials and hypotheses come out, and what is counted."""

from __future__ import annotations

from enum import StrEnum


class OutcomeKind(StrEnum):
    """The outcome of one trial."""

    ONE = "one"
    ZERO = "zero"
    VALUE = "value"
    INVALID = "invalid"


class Invalid(StrEnum):
    """How invalid trials enter the evidence."""

    BOUND = "bound"
    EXCLUDE = "exclude"
    AGAINST = "against"


class UnitKind(StrEnum):
    """What is counted: a trial, one in each arm, the mean of a case or a group, a listed outcome, a label."""

    TRIAL = "trial"
    PAIR = "pair"
    ROUND = "round"
    CASE = "case"
    GROUP = "group"
    OUTCOME = "outcome"
    LABEL = "label"


class Outcome(StrEnum):
    """What the terminal, the exit code and the run record say about one hypothesis."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    MEASURED = "measured"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    SKIPPED = "skipped"
