"""Smaller cases that still break a behaviour: what is tried next, told whether the last one did.

A shrinker is a generator. It yields a smaller case and is sent whether that one breaks the behaviour, too; it
returns the smallest that does when it has nothing smaller to try.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from pytest_velo.case_sets import Case
from pytest_velo.errors import UsageError
from pytest_velo.searching.candidates import Candidate, candidate_of

Shrinker = Generator[Candidate, bool, Candidate]
Smaller = Callable[[Any], Iterable[Any]]


def greedily(smaller: Smaller, found: Candidate) -> Shrinker:
    """Take the first smaller case that breaks the behaviour, and begin anew from it.

    Raises:
        UsageError: `smaller` fails, or gives what is no case.
    """
    best, known = found, {found.digest}
    while True:
        for candidate in _asked(smaller, best):
            if candidate.digest in known:
                continue
            known.add(candidate.digest)
            if (yield candidate):
                best = candidate
                break
        else:
            return best


def _asked(smaller: Smaller, best: Candidate) -> Iterator[Candidate]:
    name = getattr(smaller, "__name__", repr(smaller))
    try:
        for value in smaller(best.case):
            yield value if isinstance(value, Candidate) else candidate_of(value)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"shrink= failed: {name} raised {type(error).__name__}: {error}",
            where="search",
            fix="it takes a case and yields smaller ones, the smallest first",
        ) from error


def by_words(case: Any) -> Iterator[Any]:
    """Yield a case with fewer words: without a half of them, a quarter, and so on to single ones.

    A case with named fields loses them in one text at a time. What has no text has nothing smaller.
    """
    if isinstance(case, str):
        yield from _fewer(case)
    elif isinstance(case, Case):
        fields = dict(vars(case))
        for name, value in fields.items():
            if isinstance(value, str):
                yield from ({**fields, name: text} for text in _fewer(value))


def _fewer(text: str) -> Iterator[str]:
    words = text.split()
    if not words:
        return
    seen = {text}
    size = (len(words) + 1) // 2 if len(words) > 1 else 1
    while True:
        for start in range(0, len(words), size):
            shorter = " ".join((*words[:start], *words[start + size :]))
            if shorter and shorter not in seen:
                seen.add(shorter)
                yield shorter
        if size == 1:
            return
        size //= 2
