"""What moved since an earlier run, in Markdown: what got worse first."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_velo.report.markdown.escaping import code, prose
from pytest_velo.report.numbers import count
from pytest_velo.report.page.moved import Move, Moved

_TEXT = 300
"""Characters of a text within a line."""


def moves(moved: Moved) -> Iterator[str]:
    """Yield an item of a list for each move, then what could not be compared."""
    yield from map(_move, moved.moves)
    for name, why in moved.not_compared:
        yield f"- {code(name)}: not compared: {prose(why, _TEXT)}\n"
    for name in moved.only_before:
        yield f"- {code(name)}: only in the earlier run\n"
    for name in moved.only_now:
        yield f"- {code(name)}: only in this run\n"
    if moved.still:
        comparisons = count(len(moved.still), "other comparison" if moved.moves else "comparison")
        yield f"- no change is shown in {comparisons}\n"


def _move(move: Move) -> str:
    told = [f"- **{move.text}**: {code(move.name)}: {prose(move.numbers)}"]
    if move.counts:
        told.append(prose(move.counts))
    if move.changes:
        told.append(f"between the runs changed: {prose(move.changes, _TEXT)}")
    return "; ".join(told) + "\n"
