"""What the process that ran the tests knows of the run, and no record does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Trouble(NamedTuple):
    """Something that went wrong where there is no result: a file that cannot be collected, a fixture.

    Attributes:
        place: A file or a node id.
        text: What was said.
    """

    place: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What no record has.

    Attributes:
        troubles: What went wrong outside of results.
        unsampled: Why hypotheses were not sampled, by node id.
        expected: Node ids of tests that were expected to fail, and did.
        stopped: Why the run ended before all tests had run; empty if it did not.
        pages: Where a page of the run was written.
    """

    troubles: Sequence[Trouble] = ()
    unsampled: Mapping[str, str] = field(default_factory=dict)
    expected: Collection[str] = frozenset()
    stopped: str = ""
    pages: Sequence[str] = ()
