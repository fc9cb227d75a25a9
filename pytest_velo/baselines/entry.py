"""What the baseline file contains: the sampled outcomes of one hypothesis on one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

CASE_LENGTH = 16
"""Hex digits kept of a case's digest: 64 bits tell the cases of one hypothesis apart."""


class Key(NamedTuple):
    """Identifies an entry: there is one for each hypothesis, model and statistic.

    Attributes:
        hypothesis: The test's node id.
        model: The model id; empty when the hypothesis calls none.
        statistic: As it is written, e.g. `rate("asr")`.
    """

    hypothesis: str
    model: str
    statistic: str

    def __str__(self) -> str:
        model = f" on {self.model}" if self.model else ""
        return f"{self.hypothesis}{model}: {self.statistic}"


class StoredTurn(NamedTuple):
    """One turn (a trial, or one trial of each arm on the same case).

    Attributes:
        case: The first `CASE_LENGTH` hex digits of the case's digest; empty without cases.
        repeat: How many earlier turns had the same case content, from 0.
        outcome: What the statistic averages, in its own units; None for an invalid turn.
    """

    case: str
    repeat: int
    outcome: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """One sampled baseline.

    Attributes:
        made_at: When, ISO 8601 in UTC, to the second.
        seed: The root seed.
        set_digest: Digest of the case set; empty without cases.
        turns: In the order they were sampled.
        body: Hash of the body; empty if unknown, as for the next two.
        prompt: Hash of what was sent.
        judge: Hash of the judge and its rubric; empty without one.
        models_served: The model ids the providers reported, sorted.
    """

    made_at: str
    seed: int
    set_digest: str
    turns: tuple[StoredTurn, ...]
    body: str = ""
    prompt: str = ""
    judge: str = ""
    models_served: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Turns, including invalid ones."""
        return len(self.turns)

    @property
    def n_invalid(self) -> int:
        """Invalid turns."""
        return sum(turn.outcome is None for turn in self.turns)

    @property
    def mean(self) -> float | None:
        """Mean of the valid turns, in the statistic's own units; None without any."""
        valid = [turn.outcome for turn in self.turns if turn.outcome is not None]
        return sum(valid) / len(valid) if valid else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The baseline of one hypothesis on one model.

    Attributes:
        hypothesis: The test's node id.
        model: The model id; empty when it calls none.
        statistic: What the outcomes are averaged to, as it is written.
        design: Hash of the design they were sampled by.
        current: The baseline accepted last, which claims are compared with.
        anchor: The first one ever accepted, never replaced; drift is measured from it.
    """

    hypothesis: str
    model: str
    statistic: str
    design: str
    current: Sampled
    anchor: Sampled

    @property
    def key(self) -> Key:
        """The key of this entry."""
        return Key(self.hypothesis, self.model, self.statistic)
