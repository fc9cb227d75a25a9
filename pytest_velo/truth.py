"""What people say of some trials, as the truth that a claim is about: `truth=labels("labels.csv")`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.vocabulary import called


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSource:
    """Where labels come from, and of which trials; made by `labels()`."""

    path: str
    every: int | None = None
    by: str | None = None


@called('labels("labels.csv")')
def labels(path: str | Path, *, every: int | None = None, by: str | None = None) -> LabelSource:
    """Make a claim about what people say, where a judge says something of each trial: `truth=labels(...)`.

    Of each block of `every` trials one is chosen by the seed, and `velo label` asks for its label. The
    verdict is about the labels, and it is valid whatever the judge says. The better the judge, the fewer
    labels it takes.

    Args:
        path: A `.csv`, `.tsv` or `.jsonl` file as `velo label` writes it; relative to the test's file. It
            need not exist yet.
        every: One trial in so many is labelled; from 2 to 1000, and 20 by default. Labels for another number
            do not count.
        by: Whose labels count; None for those of all, who must agree.

    Raises:
        UsageError: A value is outside its range.

    Examples:
        >>> labels("labels.csv", every=10)
        LabelSource(path='labels.csv', every=10, by=None)
    """
    if not isinstance(path, str | Path) or not str(path):
        raise UsageError(f"labels({path!r}): expected the name of a file", fix='labels("labels.csv")')
    if every is not None and (
        isinstance(every, bool) or not isinstance(every, int) or not 2 <= every <= 1000
    ):
        raise UsageError(f"every={every!r}: expected a whole number from 2 to 1000", fix="every=20")
    if by is not None and (not isinstance(by, str) or not by):
        raise UsageError(f"by={by!r}: expected a name", fix='by="ann"')
    return LabelSource(path=str(path), every=every, by=by)


def read_truth(value: Any) -> LabelSource:
    """Return a keyword's value as it is, if it says where the truth comes from.

    Raises:
        ValueError: It does not; the text says what does.
    """
    if not isinstance(value, LabelSource):
        raise ValueError('labels("labels.csv")')
    return value
