"""A recorded run that is repeated, and what both say together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_velo.records.outcomes import Outcome
from pytest_velo.verdicts import Interval


class RepeatKind(StrEnum):
    """How a recorded run is repeated: on another model, or on fresh draws."""

    RERUN = "rerun"
    REPLICATE = "replicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The recorded run that a run repeats.

    Attributes:
        run: Its id.
        on: The model that is asked instead; empty for the same ones.
        number: Which replication it is, from 1; 0 for a rerun.
    """

    kind: RepeatKind
    run: str
    on: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """A hypothesis on fresh draws, beside the run that it repeats.

    Attributes:
        outcome: What the first run said.
        winners: Who won a ranking in the first run; empty of other claims, and while it was open.
        estimate, interval: What it saw.
        n_runs: How many runs were multiplied, this one and the first included; 0 if none may be.
        combined: The verdict by all of them, at Ville's threshold; empty if none may be multiplied.
        log_e_support, log_e_refute: The logs of the products; None likewise.
        why_not: Why they are not multiplied; empty if they are.
        difference: This estimate minus the first one; None without either.
        difference_interval: At least at its level, by the union bound; None without either interval.
        n_labels: Labels that the first run's numbers are of; None if its claim was not about labels, and in
            older records.
    """

    outcome: Outcome
    winners: tuple[str, ...] = ()
    estimate: float | None = None
    interval: Interval | None = None
    n_runs: int = 0
    combined: str = ""
    log_e_support: float | None = None
    log_e_refute: float | None = None
    why_not: str = ""
    difference: float | None = None
    difference_interval: Interval | None = None
    n_labels: int | None = None
