"""A ladder that was climbed, rung by rung."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_velo.records.outcomes import Outcome
from pytest_velo.verdicts import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class RungResult:
    """What became of one rung of a ladder.

    Attributes:
        name: The rung's.
        outcome: None for a rung that was skipped, or not reached.
        why: Why it was skipped, not reached, or is an error or undecided; empty otherwise.
        alpha: Its share of the ladder's, set before anything was sampled; None if it was skipped.
        model: Who was asked; None if nobody was.
        decision: As of a hypothesis.
        telling: As of a hypothesis.
        n_calls, n_cached, cost_usd: As of a hypothesis, of this rung alone.
        notices: What the reader of its verdict should know.
        recorded_as: The name under which its trials are recorded; empty if they are those of the test.
    """

    name: str
    outcome: Outcome | None = None
    why: str = ""
    alpha: float | None = None
    model: str | None = None
    decision: Decision | None = None
    telling: tuple[int, ...] = ()
    n_calls: int = 0
    n_cached: int = 0
    cost_usd: float | None = 0.0
    notices: tuple[str, ...] = ()
    recorded_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderResult:
    """A ladder that was climbed.

    Attributes:
        alpha: P(any rung wrongly supported), at most.
        rungs: All of them, in the order of the climb, those behind it and the skipped ones included.
        at: The place of the rung whose evidence is the hypothesis's; None if no rung has any.
    """

    alpha: float
    rungs: tuple[RungResult, ...]
    at: int | None = None


def rung_id(node_id: str, rung: str) -> str:
    """Return under which name a rung's trials are recorded.

    >>> rung_id("test_it.py::test_h", "few_shot(k=4)"), rung_id("test_it.py::test_h", "")
    ('test_it.py::test_h on the rung few_shot(k=4)', 'test_it.py::test_h')
    """
    return f"{node_id} on the rung {rung}" if rung else node_id
