"""Where a report goes: checked before anything is paid for, and one file for each log."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from pytest_velo.errors import UsageError
from pytest_velo.settings import ReportKind, ReportTarget

_SUFFIXES = {
    ReportKind.HTML: (),
    ReportKind.MD: (),
    ReportKind.INSPECT: (".eval", ".json"),
    ReportKind.EEE: (".json",),
}
_LONGEST = 80
"""Characters of a name in a file's name: file systems take 255 bytes in all."""


def is_file(target: ReportTarget) -> bool:
    """Tell whether a file was asked for, as always for ours; a path with any other ending is a folder."""
    return (
        target.kind in (ReportKind.HTML, ReportKind.MD)
        or target.path.suffix.lower() in _SUFFIXES[target.kind]
    )


def check(target: ReportTarget, where: str) -> None:
    """Make sure, before the first call, that the report can be written at the end.

    Args:
        target: What was asked for.
        where: The option, as it was spelt.

    Raises:
        UsageError: A package is missing, or the place cannot be written to.
    """
    if target.kind is ReportKind.INSPECT and find_spec("inspect_ai") is None:
        raise UsageError(
            f"{target} needs the package inspect_ai, which is not installed",
            where=where,
            fix="pip install 'pytest-velo[inspect]'",
        )
    folder = target.path.parent if is_file(target) else target.path
    try:
        if is_file(target) and target.path.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        existing = next(place for place in (folder, *folder.parents) if place.exists())
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as problem:
        raise UsageError(
            f"{target} cannot be written: {problem.strerror or problem}",
            where=where,
            fix="name a file or folder that can be written to",
        ) from None


def beside(path: Path, names: Iterable[str]) -> list[Path]:
    """Return a file for each name: `path` itself for a single one, else `stem-<name>.suffix` beside it."""
    words = file_words(names)
    if len(words) == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{word}{path.suffix}") for word in words]


def file_words(names: Iterable[str]) -> list[str]:
    """Return a word for each name that any file system takes, no two of them alike."""
    words: list[str] = []
    taken: set[str] = set()
    for name in names:
        word = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.")
        if len(word) > _LONGEST or not word or word.casefold() in taken:
            word = f"{word[:_LONGEST]}-{digest(name, 8)}".strip("-")
        taken.add(word.casefold())
        words.append(word)
    return words


def digest(text: str, length: int) -> str:
    """Return hex digits that identify a text: a run that is written twice has the same ids."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
