"""What the terminal leaves out where a session has too many hypotheses to read: it is counted, never lost.

What needs no attention goes first. What is listed keeps its order; `-v` asks for every line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.lines import Line, Style, paragraph

MOST_LISTED = 100
"""Hypotheses that are listed."""
_FIRST = 20
"""Of more than these, so many are shown where each takes several lines."""

_FINE = (Outcome.SUPPORTED, Outcome.MEASURED)


class Listed(NamedTuple):
    """The hypotheses that are listed with their names, and the outcomes of the others."""

    results: Sequence[HypothesisResult]
    names: Sequence[str]
    left_out: Counter[Outcome]


def listed(results: Sequence[HypothesisResult], names: Sequence[str], *, everything: bool) -> Listed:
    """Choose what a session lists: all if they are few, else those that are not fine, as many as are read."""
    if everything or len(results) <= MOST_LISTED:
        return Listed(results, names, Counter())
    wanting = [place for place, result in enumerate(results) if result.outcome not in _FINE]
    shown = wanting[:MOST_LISTED]
    left_out = Counter(result.outcome for result in results)
    left_out.subtract(results[place].outcome for place in shown)
    return Listed([results[place] for place in shown], [names[place] for place in shown], +left_out)


def most_of(n: int, *, everything: bool) -> int:
    """Return how many of `n` hypotheses are shown where each takes several lines."""
    return n if everything or n <= MOST_LISTED else _FIRST


def left_out_lines(left_out: Counter[Outcome], width: int) -> list[Line]:
    """Say what is not listed, and how to list it; nothing if all is."""
    if not left_out:
        return []
    counts = ", ".join(f"{left_out[outcome]:,} {outcome}" for outcome in Outcome if left_out[outcome])
    return more_lines(f"not listed: {counts}", width)


def more_lines(what: str, width: int) -> list[Line]:
    """Say what is left out, and how to see it."""
    return paragraph(f"{what} (velo show lists all, -v prints all)", Style.DIM, width)
