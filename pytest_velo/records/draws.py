"""One reply to one request: which draw it is, where it is stored, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_velo.records.requests import Request
from pytest_velo.replies import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Which draw of a request: a case, its repeat and the ordinal of this request inside the trial.

    Two cases that send the same request have different slots; two arms of one case share them. `label`
    distinguishes draws whose order inside the trial depends on timing (`slot=` of a model call).
    """

    case: str
    repeat: int
    ordinal: int
    label: str = ""

    def __str__(self) -> str:
        name = f"{self.case}:{self.repeat}:{self.ordinal}"
        return f"{name}:{self.label}" if self.label else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a draw is stored: what was sent, under which root seed and stream, and which slot."""

    key: str
    seed: int
    stream: str
    slot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One stored reply. `drawn_at` is ISO 8601 in UTC."""

    address: Address
    reply: Reply
    drawn_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One model call of a trial's transcript.

    `speaker` is the part its model plays, if it was given one; `may_be_cut` says that `allow_cut=` was given.
    """

    model: str
    request: Request
    reply: Reply
    address: Address
    drawn_at: str
    speaker: str = ""
    may_be_cut: bool = False


def add_costs(costs: Any) -> float | None:
    """Add dollars; one unknown (None) makes the sum unknown.

    >>> add_costs([0.1, 0.2]) == 0.1 + 0.2, add_costs([0.1, None]), add_costs([])
    (True, None, 0.0)
    """
    total = 0.0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total
