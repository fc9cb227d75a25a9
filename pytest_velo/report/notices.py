"""Notices, each said once: what is told of several tests names them instead of coming back with each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_velo.records import HypothesisResult
from pytest_velo.report.lines import Line, Style, block
from pytest_velo.report.numbers import count
from pytest_velo.report.phrases import outside_text
from pytest_velo.report.text import inline

_NUMBER = re.compile(r"\d[\d.,]*")
_NAMED = 3
_NAME_WIDTH = 60


def notices_of(result: HypothesisResult) -> tuple[str, ...]:
    """Return what a reader of a result should know, calls past the fixture first."""
    return (*([outside_text(result.outside)] if result.outside else []), *result.notices)


def notice_lines(results: Sequence[HypothesisResult], names: Sequence[str], width: int) -> Iterator[Line]:
    """Say each notice of a session once, with the tests it is about.

    Notices that differ in their numbers alone are one: the first is quoted, and the others are counted.
    """
    found: dict[str, dict[str, str]] = {}
    for result, name in zip(results, names, strict=True):
        for notice in dict.fromkeys(notices_of(result)):
            found.setdefault(_NUMBER.sub("#", notice), {})[name] = notice
    if found:
        yield Line("")
    for told in found.values():
        first = next(iter(told.values()))
        yield from block("notice", first, width, Style.WARN)
        yield from block("", _about(told), width)


def _about(told: dict[str, str]) -> str:
    """Say how many tests a notice is about, and which."""
    names = [*told]
    shown = ", ".join(inline(name, _NAME_WIDTH) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    others = len(set(told.values())) > 1
    numbers = " (the numbers are those of the first)" if others else ""
    return f"{count(len(names), 'test')}: {shown}{more}{numbers}"
