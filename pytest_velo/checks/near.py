"""Texts that are alike: which of many share most of their wording, beside what nearly all of them share.

Similarity is the Jaccard index of sets of three words in a row. What more than a fifth of the texts have is
their template and says nothing. Texts are compared where their sketches meet (the smallest hashes of each:
Broder, "On the resemblance and containment of documents", 1997), each with few others, so that the time
grows with the number of texts and not with its square.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from zlib import crc32

SIMILAR = 0.5
_ROW = 3
_SKETCH = 16
_FEWEST = 6
"""Sets of words that a text must have beside its template, or too little is known of it."""
_TEMPLATE = 0.2
_FEW = 3
_TRIED = 4


def clusters(texts: Sequence[str], similar: float = SIMILAR) -> list[tuple[int, ...]]:
    """Return the positions of texts that are alike, together; no text that is like no other."""
    every = [set(_rows(text)) for text in texts]
    common = _template(every)
    rows = [found - common for found in every]
    leader = list(range(len(texts)))
    met: dict[int, list[int]] = {}
    for at, mine in enumerate(rows):
        if len(mine) < _FEWEST:
            continue
        sketch = sorted(mine)[:_SKETCH]
        tried = dict.fromkeys(other for row in sketch for other in met.get(row, ()))
        for other in tried:
            if _root(leader, other) != _root(leader, at) and _jaccard(mine, rows[other]) >= similar:
                leader[_root(leader, at)] = _root(leader, other)
        for row in sketch:
            known = met.setdefault(row, [])
            if len(known) < _TRIED:
                known.append(at)
    found: dict[int, list[int]] = {}
    for at in range(len(texts)):
        found.setdefault(_root(leader, at), []).append(at)
    return [tuple(members) for members in found.values() if len(members) > 1]


def _rows(text: str) -> Iterator[int]:
    words = text.split()
    for at in range(len(words) - _ROW + 1):
        yield crc32(" ".join(words[at : at + _ROW]).encode())


def _template(every: Iterable[set[int]]) -> set[int]:
    """Return what too many texts have to tell any of them apart."""
    sets = list(every)
    most = max(_FEW, _TEMPLATE * len(sets))
    times = Counter(row for found in sets for row in found)
    return {row for row, n in times.items() if n > most}


def _jaccard(one: set[int], other: set[int]) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def _root(leader: list[int], at: int) -> int:
    while leader[at] != at:
        leader[at] = leader[leader[at]]
        at = leader[at]
    return at
