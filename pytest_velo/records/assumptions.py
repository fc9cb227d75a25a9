"""What a hypothesis assumes, and how that stood."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How what a hypothesis assumes stands.

    `unsampled`: it was not sampled, because of what it assumes itself. `waiting`: it had not ended when it
    was needed. `unknown`: it does not run here, and no record stands for it.
    """

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    ERROR = "error"
    UNSAMPLED = "unsampled"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What a hypothesis assumes.

    Attributes:
        node_id: The node id of the assumed test.
        standing: How it stood when it was needed.
        told: The same in words that follow its name: `is refuted`.
    """

    node_id: str
    standing: Standing
    told: str
