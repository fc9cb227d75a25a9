"""What a search tries: cases with their digests, from a list, a strategy, or an attacker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from pytest_velo.canonical import digest
from pytest_velo.case_sets import DIGEST_LENGTH, Case, open_source
from pytest_velo.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A case that may break the behaviour.

    Attributes:
        case: As a body gets it: a row with named fields is a `Case`.
        digest: Of its content; equal contents have equal digests.
        number: Where its source has it, from 0; None for one that shrinking made.
    """

    case: Any
    digest: str
    number: int | None = None


def candidate_of(value: Any, number: int | None = None) -> Candidate:
    """Return a value of a source as a candidate.

    Raises:
        UsageError: Its content has no JSON form.
    """
    case = Case(value) if isinstance(value, dict) else value
    try:
        found = digest(vars(case) if isinstance(case, Case) else case)
    except UsageError as error:
        raise UsageError(
            f"the case's content cannot be identified: {error.what}",
            where="search",
            fix="let it give JSON-like values (texts, numbers, lists, dicts): strategy.map(...)",
        ) from None
    return Candidate(case=case, digest=found[:DIGEST_LENGTH], number=number)


class Source(Protocol):
    """Gives the candidates of a search, one after another; None where there are no more."""

    def __call__(self) -> Candidate | None:
        """Return the next one."""
        ...


class Fresh:
    """The candidates of a source that were not seen before.

    A strategy gives values without end, so it is exhausted once nothing new has come for long.
    """

    def __init__(self, candidates: Iterator[Candidate]) -> None:
        self._candidates = candidates
        self._seen: set[str] = set()

    def __call__(self) -> Candidate | None:
        """Return the next one that is new."""
        for _, candidate in zip(range(MOST_REPEATED), self._candidates, strict=False):
            if candidate.digest not in self._seen:
                self._seen.add(candidate.digest)
                return candidate
        return None


MOST_REPEATED = 300
"""So many known cases in a row say that a source has no others."""


def listed(source: Any, base: Path) -> Iterator[Candidate]:
    """Yield the cases of a list or a file, in their order.

    Raises:
        UsageError: They cannot be read.
    """
    rows = open_source(source, base, 0).rows
    for number, (_, value) in zip(count(), rows, strict=False):
        yield candidate_of(value, number)
