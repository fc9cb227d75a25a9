"""The cases of a check as an expression of a test file, with a file of them beside it where they are many.

What is written down is read again before it is trusted: it has to give the cases the digests that their draws
are stored under, and the set the digest that its order comes from.
"""

from __future__ import annotations

import ast
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

from pytest_velo.case_sets import Case, CaseSet, load
from pytest_velo.case_sets.sets import Cases
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.carrying import Carried, carry_value, written

_MOST_INLINE = 24
_MOST_CHARACTERS = 3_000
_MOST_COLUMNS = 88
_HUB = "hf://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Cases, told as source.

    Attributes:
        text: The expression.
        over: What `over=` must say, where the source said it by its kind; empty otherwise.
        files: Files beside the test, by name, with their content.
    """

    text: str
    over: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def tell_cases(
    source: Any, cases: CaseSet, function: FunctionType, into: Carried, *, name: str, folder: Path | None
) -> Told:
    """Return cases as source.

    Args:
        source: What `cases=` got.
        cases: What was read of it.
        function: The body, whose surroundings may have a name for it.
        into: Gets what stands above.
        name: Of a file of cases.
        folder: Of the test file; None for the working directory.

    Raises:
        UsageError: They cannot be written down so that they are the same.
    """
    options = {}
    inner = source
    if isinstance(source, Cases):
        inner = source.source
        options = {
            key: value
            for key in ("id", "group", "rename", "filter", "n", "preset")
            if (value := getattr(source, key)) is not None
        }
    text = None
    if all(written(value) is not None for value in options.values()):
        text = _by_name(inner, function, into, folder)
    if text is None:
        return _dumped(cases, name) or _listed(cases, into)
    if options:
        into.ours.add("cases")
        said = ", ".join(f"{key}={written(value)}" for key, value in options.items())
        return Told(text=f"cases({text}, {said})")
    return Told(text=text)


def _by_name(source: Any, function: FunctionType, into: Carried, folder: Path | None) -> str | None:
    """Return a path, a literal, or the name of a function; None if it is none of these."""
    if isinstance(source, str) and source.startswith(_HUB):
        return written(source)
    if isinstance(source, str | os.PathLike):
        path = Path(os.fspath(source))
        return written(Path(os.path.relpath(path, folder or Path.cwd())).as_posix())
    if isinstance(source, FunctionType) and source.__name__.isidentifier():
        carry_value(source.__name__, source, into, home=function.__module__)
        return None if source.__name__ in into.missing else source.__name__
    if not isinstance(source, list | tuple | range) or len(source) > _MOST_INLINE:
        return None
    each = [_literal(case) for case in source]
    literals = [text for text in each if text is not None]
    if len(literals) < len(each) or sum(map(len, literals)) > _MOST_CHARACTERS:
        return None
    name = _named(source, function)
    into.constants[name] = _list(name, literals)
    return name


def _list(name: str, literals: Sequence[str]) -> str:
    line = f"{name} = [{', '.join(literals)}]"
    if len(line) <= _MOST_COLUMNS:
        return line
    return "\n".join([f"{name} = [", *(f"    {text}," for text in literals), "]"])


def _literal(case: Any) -> str | None:
    return written(dict(case.__dict__)) if isinstance(case, Case) else written(case)


def _named(source: Any, function: FunctionType) -> str:
    """Return the name that the notebook has for a list."""
    found = (name for name, value in function.__globals__.items() if value is source and name[:1] != "_")
    return next(found, "CASES")


def _dumped(cases: CaseSet, name: str) -> Told | None:
    """Return the cases as a file of JSON Lines; None where that does not give the same."""
    if cases.endless or cases.is_recorded:
        return None
    rows = [dict(case.__dict__) if isinstance(case, Case) else case for case in cases.items]
    try:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).write_text(text, encoding="utf-8")
            again = load(name, base=Path(folder))
    except (TypeError, ValueError, UsageError):
        return None
    return (
        Told(text=str(written(name)), over=_over(again, cases), files={name: text})
        if _same(again, cases)
        else None
    )


def _listed(cases: CaseSet, into: Carried) -> Told:
    """Return the cases as a list in the test file, however long it is.

    Raises:
        UsageError: That does not give the same either.
    """
    each = [_literal(case) for case in cases.items]
    literals = [text for text in each if text is not None]
    again = None
    if len(literals) == len(each) and not (cases.endless or cases.is_recorded):
        again = load([ast.literal_eval(text) for text in literals], base=Path())
    if again is None or not _same(again, cases):
        raise UsageError(
            "these cases cannot be written into a file so that they are the same",
            where="to_test",
            fix="give them as a file, or as dicts of texts, numbers, lists and dicts",
        )
    into.constants["CASES"] = _list("CASES", literals)
    return Told(text="CASES", over=_over(again, cases))


def _same(again: CaseSet, cases: CaseSet) -> bool:
    """Tell whether two sets give the same draws in the same order, to bodies that are given the same."""
    if (again.digests, again.digest, again.groups) != (cases.digests, cases.digest, cases.groups):
        return False
    return list(map(repr, again.items)) == list(map(repr, cases.items))


def _over(again: CaseSet, cases: CaseSet) -> str:
    return "" if again.default_over == cases.default_over else cases.default_over
