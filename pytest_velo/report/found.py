"""What checks found: in a record, below the table of a session, and beside a verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_velo.found import Found, Level
from pytest_velo.records import HypothesisResult, JsonObject
from pytest_velo.report.lines import Line, Style, block
from pytest_velo.report.numbers import count
from pytest_velo.report.text import inline

_NUMBER = re.compile(r"\d[\d.,]*")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAMED = 3
_NAME_WIDTH = 60
_TEXTS = ("code", "name", "message", "fix", "where", "page", "silenced")


def found_to_json(found: Found) -> dict[str, Any]:
    """Return what a check found as JSON."""
    return {
        **{name: getattr(found, name) for name in _TEXTS},
        "level": found.level.value,
        "cases": list(found.cases),
        "trials": list(found.trials),
    }


def found_from_json(data: JsonObject) -> Found:
    """Undo `found_to_json`.

    Raises:
        KeyError, TypeError, ValueError: A field is missing or has an invalid value.
    """
    return Found(
        **{name: data[name] for name in _TEXTS},
        level=Level(data["level"]),
        cases=tuple(data["cases"]),
        trials=tuple(data["trials"]),
    )


def style_of(found: Found) -> Style:
    """Return how what was found is shown."""
    if found.silenced:
        return Style.DIM
    return {Level.NOTE: Style.PLAIN, Level.WARNING: Style.WARN, Level.ERROR: Style.BAD}[found.level]


def head_of(found: Found) -> str:
    """Say what was found in one line: name, level or why it does not count, and message."""
    where = f" in {found.where}" if found.where else ""
    level = f"silenced: {found.silenced}" if found.silenced else found.level
    return f"{found.name} ({level}){where}: {found.message}"


def counted(results: Iterable[HypothesisResult]) -> str:
    """Count what was found in a run by level, for a headline; empty if nothing was found."""
    every = [found for result in results for found in result.found]
    pieces = [
        count(n, level)
        for level in reversed(Level)
        if (n := sum(found.level is level and not found.silenced for found in every))
    ]
    silenced = sum(bool(found.silenced) for found in every)
    if silenced:
        pieces.append(f"{silenced} silenced")
    return f"checks: {', '.join(pieces)}" if pieces else ""


def found_in(result: HypothesisResult, width: int) -> Iterator[Line]:
    """Say what was found in one hypothesis, in full."""
    for found in ranked(result.found):
        yield from block(found.code, head_of(found), width, style_of(found))
        yield from _what_to_do(found, width)


def ranked(found: Iterable[Found]) -> list[Found]:
    """Return what was found, the most serious first, and what is silenced last."""
    levels = list(Level)
    return sorted(found, key=lambda each: (bool(each.silenced), -levels.index(each.level), each.code))


@dataclass(slots=True)
class _Alike:
    """What one check found in several tests, alike but for numbers and quotations."""

    first: Found
    names: list[str] = field(default_factory=list)
    messages: set[str] = field(default_factory=set)


def found_lines(
    results: Sequence[HypothesisResult], names: Sequence[str], width: int, *, brief: bool = False
) -> Iterator[Line]:
    """Say what was found in a session, each once, with the tests that it is about.

    What differs in numbers and quotations alone is one: the first is said, and the others are counted.
    `brief` leaves out notes and what is silenced.
    """
    alike: dict[tuple[str, ...], _Alike] = {}
    for result, name in zip(results, names, strict=True):
        for found in result.found:
            if brief and not found.counts:
                continue
            shape = _QUOTED.sub("'#'", _NUMBER.sub("#", found.message))
            key = (found.code, found.level, shape, found.silenced)
            group = alike.setdefault(key, _Alike(found))
            group.messages.add(found.message)
            if name not in group.names:
                group.names.append(name)
    if not alike:
        return
    yield Line("")
    yield Line("checks", Style.BOLD)
    order = ranked(group.first for group in alike.values())
    for group in sorted(alike.values(), key=lambda group: order.index(group.first)):
        yield from block(group.first.code, head_of(group.first), width, style_of(group.first))
        yield from block("", _about(group), width)
        yield from _what_to_do(group.first, width)


def _what_to_do(found: Found, width: int) -> Iterator[Line]:
    """Yield the fix and the page of what counts; what is silenced needs neither."""
    if found.silenced:
        return
    if found.fix:
        yield from block("", f"fix: {found.fix}", width)
    if found.page:
        yield Line(f"{' ' * 13}{inline(found.page)}", Style.DIM)


def _about(group: _Alike) -> str:
    shown = ", ".join(inline(name, _NAME_WIDTH) for name in group.names[:_NAMED])
    more = f" and {len(group.names) - _NAMED:,} more" if len(group.names) > _NAMED else ""
    others = " (what is said is of the first)" if len(group.messages) > 1 else ""
    return f"{count(len(group.names), 'test')}: {shown}{more}{others}"
