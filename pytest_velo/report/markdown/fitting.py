"""Keeping a document below a size: whole items are left out, the last first, and it says how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a document.

    Attributes:
        head: What stands above its items; with them it is left out if there are none.
        items: Each as one or more texts, the fullest first; a later one is taken where that does not fit.
        more: What is said where items are left out, with their number as `{n}`.
    """

    head: str
    items: Sequence[Sequence[str]]
    more: str


def fitted(head: str, sections: Sequence[Section], foot: str, limit: int) -> str:
    """Return a document of at most `limit` bytes in UTF-8, unless head and foot alone are longer.

    A section takes no more than half of what is left, unless those after it need less: a long table does not
    push out everything below it.
    """
    there = [section for section in sections if section.items]
    room = limit - _size(head) - _size(foot) - sum(_size(s.head) + _size(s.more) + _COUNT for s in there)
    needs = [sum(_size(item[0]) for item in section.items) for section in there]
    parts = [head]
    for at, section in enumerate(there):
        mine = max(room // 2, room - sum(needs[at + 1 :]))
        taken = _taken(section.items, mine if at + 1 < len(there) else room)
        room -= sum(map(_size, taken))
        left_out = len(section.items) - len(taken)
        parts += [section.head, *taken, section.more.format(n=f"{left_out:,}") if left_out else ""]
    return "".join([*parts, foot])


_COUNT = 10
"""Bytes of the number of items that are left out."""


def _taken(items: Sequence[Sequence[str]], room: int) -> list[str]:
    """Return the first items, as far as they fit."""
    taken = []
    for item in items:
        text = next((text for text in item if _size(text) <= room), None)
        if text is None:
            break
        room -= _size(text)
        taken.append(text)
    return taken


def _size(text: str) -> int:
    return len(text.encode())
