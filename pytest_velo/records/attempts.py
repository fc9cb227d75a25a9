"""A belief, the attempts at it, and what its author predicted or froze beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What attempts are made at, known by its test and by its sentence.

    Who renames the test or edits the sentence keeps the history, as long as one of both stays.

    Attributes:
        test: The test's id without its model and its rung.
        sentence: The belief in its author's words, with the test's parameters; empty if it has no words.
    """

    test: str
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Which attempt at its belief a result is, by the ledger when it was made.

    Attributes:
        number: From 1, in the order in which attempts were made.
        n_prompts, n_bodies, n_models, n_rungs: How many different ones the attempts so far had, this one too.
        since: The day of the first one, ISO 8601.
        fresh: The verdict on each set of draws for the same claim, prompt, body and model, this one's last.
        n_still: Attempts in a row, with this one, that did not move the belief.
        untried: What was not tried yet, the cheapest first, where a belief does not move; empty otherwise.
        alpha: P(any attempt wrongly supported), which all attempts share; None if each has its own.
    """

    number: int
    n_prompts: int = 0
    n_bodies: int = 0
    n_models: int = 0
    n_rungs: int = 0
    since: str = ""
    fresh: tuple[str, ...] = ()
    n_still: int = 0
    untried: tuple[str, ...] = ()
    alpha: float | None = None


class Said(StrEnum):
    """When a prediction was made: before the data, after them, or on draws that are older than it."""

    BEFORE = "before"
    AFTER = "after"
    ON_OLDER_DRAWS = "on_older_draws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the author predicted.

    Attributes:
        p: The chance that the claim is supported, in (0, 1).
        said: When. Only what was said before the data is scored.
        at: ISO 8601 in UTC.
        first: What was said of this design before the data, if that is another number; else None.
    """

    p: float
    said: Said
    at: str = ""
    first: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What makes a result one of the profile `confirm`.

    Attributes:
        hash: Of the frozen claim: claim, design, cases, body, judge, seed.
        frozen_at: ISO 8601, UTC, before the first draw; empty where this machine does not know.
        number: Which confirmation of its test this is, from 1.
        earlier: What the earlier ones came to, the oldest first.
        doubt: Why it confirms nothing; empty if it does.
    """

    hash: str
    frozen_at: str
    number: int = 1
    earlier: tuple[str, ...] = ()
    doubt: str = ""
