"""Notices and problems, each said once: one of several tests names them instead of coming back with each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_velo.records import HypothesisResult, Outcome
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
    each = zip(names, results, strict=True)
    told = _alike((name, notice) for name, result in each for notice in dict.fromkeys(notices_of(result)))
    if told:
        yield Line("")
    for about in told:
        yield from block("notice", next(iter(about.values())), width, Style.WARN)
        yield from block("", _about(about), width)


def shared_problems(
    results: Sequence[HypothesisResult], names: Sequence[str]
) -> list[tuple[Outcome, dict[str, str]]]:
    """Return the problems that several tests have, in errors or skipped, each by the tests' names."""
    shared = []
    for outcome in (Outcome.ERROR, Outcome.SKIPPED):
        wrong = [
            (name, result.problem)
            for name, result in zip(names, results, strict=True)
            if result.outcome is outcome and result.problem
        ]
        shared += [(outcome, about) for about in _alike(wrong) if len(about) > 1]
    return shared


def problem_lines(
    shared: Iterable[tuple[Outcome, dict[str, str]]], width: int, styles: Mapping[Outcome, Style]
) -> Iterator[Line]:
    """Say each problem that several tests have once, with these tests."""
    for outcome, about in shared:
        yield Line("")
        yield from block(str(outcome), next(iter(about.values())), width, styles[outcome])
        yield from block("", _about(about), width)


def _alike(told: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Group what is told of tests by its text without numbers: for each group the text by the test's name."""
    found: dict[str, dict[str, str]] = {}
    for name, text in told:
        found.setdefault(_NUMBER.sub("#", text), {})[name] = text
    return [*found.values()]


def _about(told: dict[str, str]) -> str:
    """Say how many tests a notice is about, and which."""
    names = [*told]
    shown = ", ".join(inline(name, _NAME_WIDTH) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    others = len(set(told.values())) > 1
    numbers = " (the numbers are those of the first)" if others else ""
    return f"{count(len(names), 'test')}: {shown}{more}{numbers}"
