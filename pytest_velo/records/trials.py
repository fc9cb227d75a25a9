"""One trial: what came out, which calls it made, and what was made up in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_velo.records.draws import Call, add_costs
from pytest_velo.records.outcomes import OutcomeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Stubbed:
    """What a stub stood in for: a verdict that rests on one says so.

    Attributes:
        what: `model`, `judge`, `cases`, the part a model plays, a fixture's name, or `value`.
        why: The reason that its author gave.
        where: `file:line` of the call that made it.
    """

    what: str
    why: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One finished trial.

    Attributes:
        index: Position in submission order, from 0.
        arm: The arm it belongs to; empty without arms.
        unit: Position of its unit of evidence, from 0; None if an older record does not tell.
        unit_size: Trials of that unit, of all arms, from 1; None likewise.
        kind: The outcome of the claim's statistic: one, zero, a score (`value`) or invalid.
        values: Every outcome the body returned by name; an unnamed one is under `""`.
        detail: Why: the assertion's message, or why the trial is invalid.
        location: `file:line` of the assertion that failed, if one did.
        target: What the case's field `target` says the answer is, one text or several; empty without one.
        rung: The rung of the ladder that it was sampled on; empty without one.
        case: The case as the body got it; in a record that was read, its fields by name, or the value that it
            is. None without cases, and in older records.
        stubs: What stood in for something while it ran; not written with the trial, but with its hypothesis.
    """

    index: int
    case_id: str
    repeat: int
    seed: int
    kind: OutcomeKind
    values: Mapping[str, float]
    arm: str = ""
    unit: int | None = None
    unit_size: int | None = None
    detail: str = ""
    location: str = ""
    rung: str = ""
    target: str | tuple[str, ...] = ""
    case: Any = None
    notes: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    stubs: tuple[Stubbed, ...] = ()

    @property
    def cost_usd(self) -> float | None:
        """Dollars of the calls that were made, not read; None if any is unknown."""
        return add_costs(call.reply.cost_usd for call in self.calls if not call.reply.cached)
