"""Whether the attempts at a belief move, and what was not tried yet where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_velo.cache.attempts import Found, Tried
from pytest_velo.verdicts import Verdict

PATIENCE = 3
"""Attempts in a row without movement, after which a reader hears what was not tried yet."""

_WORDS = {"few-shot": ("few", "shot"), "best-of-N": ("best", "of"), "fine-tuning": ("tun",)}
"""What the rungs' names have in them."""


def n_still(findings: Iterable[Found | None]) -> int:
    """Count the attempts since one last moved the belief or supported it, or since the first.

    An attempt moves it if its whole interval lies beyond that of the best one before, towards the claim. The
    best one is that whose nearer end is farthest on. An attempt without an interval moves nothing; from one
    about another statistic counting starts anew. One that was supported is not counted.
    """
    best: tuple[float, float] | None = None
    measured: tuple[str, int] | None = None
    count = 0
    for found in findings:
        ends = None if found is None else _ends(found)
        if found is not None and ends is not None and (found.measure, found.towards) != measured:
            best, measured, count = ends, (found.measure, found.towards), 1
        else:
            count += 1
            if ends is not None and best is not None:
                count = 1 if ends[0] > best[1] else count
                best = max(best, ends)
        if found is not None and found.verdict == Verdict.SUPPORTED:
            count = 0
    return count if measured is not None else 0


def untried(attempts: Sequence[Tried], still: int) -> tuple[str, ...]:
    """Return what was not tried on a belief that does not move, the cheapest first."""
    if still < PATIENCE:
        return ()
    rungs = [attempt.rung.lower() for attempt in attempts]

    def climbed(name: str) -> bool:
        return any(all(word in rung for word in _WORDS[name]) for rung in rungs)

    several_prompts = len({attempt.prompt for attempt in attempts if attempt.prompt}) > 1
    several_models = len({attempt.model for attempt in attempts if attempt.model}) > 1
    tried = {
        "another prompt": several_prompts,
        "few-shot": climbed("few-shot"),
        "best-of-N": climbed("best-of-N"),
        "another model": several_models,
        "fine-tuning": climbed("fine-tuning"),
    }
    return tuple(name for name, was in tried.items() if not was)


def _ends(found: Found) -> tuple[float, float] | None:
    """Return the interval with the claim's direction upwards; None where there is nothing to compare."""
    if not found.towards or found.low is None or found.high is None:
        return None
    return (found.low, found.high) if found.towards > 0 else (-found.high, -found.low)
