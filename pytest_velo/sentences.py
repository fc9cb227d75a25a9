"""Sentences of a text, each with its place.

The rule is simple enough to be foreseen. A line break ends a sentence. So does `.`, `!`, `?` or `…` (with the
quotes and brackets that close behind it) before white space, and `。`, `！` or `？` anywhere; but not where

* the next character is a small letter (`approx. five`);
* the point belongs to an abbreviation (`e.g.`, `U.S.`, `Dr.`, or `no.` before a number);
* it belongs to the marker of a list at the beginning of a line (`1.`, `a.`).

A fenced block of code is one sentence. White space between sentences belongs to none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"[.!?…]+[\"'”’»)\]*_`]*(?=\s)|[。！？]+[」』”’）]*")
_MARKER = re.compile(r"\s*(?:[-*•>]\s*)*(?:\d+|[A-Za-z]|[ivx]+)[.)]")
_LETTERS = re.compile(r"(?:^|[^\w.])(?:\w\.){2,}$")  # e.g., i.e., U.S., a.m.
_LAST_WORD = re.compile(r"(\w+)\.$")
_TITLES = frozenset(
    ("al", "cf", "dr", "gen", "hon", "mr", "mrs", "ms", "mt", "prof", "rev", "sen", "st", "viz", "vs")
)
_NUMBERED = frozenset(("art", "ch", "eq", "fig", "figs", "no", "nos", "p", "pp", "ref", "sec", "vol"))
_FENCE = re.compile(r"\s*(```+|~~~+)")


class Sentence(str):
    """A sentence of a reply: a text that knows where it stands.

    Attributes:
        start: Where it begins in the reply's `text` or `reasoning`.
        part: Which of the two it is a part of: `text` or `reasoning`.
    """

    start: int
    part: str

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self)


def sentences_of(text: str, part: str = "text") -> tuple[Sentence, ...]:
    """Return the sentences of a text, in order."""
    found = []
    for start, end in _spans(text):
        piece = text[start:end]
        if stripped := piece.strip():
            sentence = Sentence(stripped)
            sentence.start = start + piece.index(stripped[0])
            sentence.part = part
            found.append(sentence)
    return tuple(found)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where lines, the sentences within them, and blocks of code begin and end."""
    place, fence, opened = 0, "", 0
    for line in text.splitlines(keepends=True):
        end = place + len(line)
        mark = _FENCE.match(line)
        if fence:
            if line.strip().startswith(fence):
                yield opened, end
                fence = ""
        elif mark is not None:
            fence, opened = mark[1], place
        else:
            yield from _within(text, place, end)
        place = end
    if fence:
        yield opened, place


def _within(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    line, begun = text[start:end], 0
    for found in _END.finditer(line):
        if _ends(line, begun, found):
            yield start + begun, start + found.end()
            begun = found.end()
    yield start + begun, end


def _ends(line: str, begun: int, found: re.Match[str]) -> bool:
    """Tell whether a sentence that began at `begun` ends with what was found."""
    following = line[found.end() :].lstrip()[:1]
    if following.islower():
        return False
    if found[0] != ".":
        return True
    before = line[begun : found.end()]
    if _LETTERS.search(before) or (begun == 0 and _MARKER.fullmatch(before)):
        return False
    found_word = _LAST_WORD.search(before)
    word = found_word[1].lower() if found_word else ""
    return word not in _TITLES and not (word in _NUMBERED and following.isdigit())
