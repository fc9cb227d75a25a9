"""The ledger of attempts as a table, and as rows for other tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_velo.cache.attempt_ledger import attempts_in
from pytest_velo.cache.attempts import Entry, Found, Tried
from pytest_velo.records import Outcome
from pytest_velo.report.lines import Line, Style
from pytest_velo.report.numbers import count, interval, rate
from pytest_velo.report.phrases import mark
from pytest_velo.report.table import STYLES
from pytest_velo.report.text import columns, inline, pad
from pytest_velo.runner.attempts import latest_findings
from pytest_velo.verdicts import Interval

ROW = (
    "test",
    "sentence",
    "number",
    "at",
    "claim",
    "model",
    "rung",
    "prompt",
    "body",
    "draws",
    "claim_hash",
    "profile",
    "stream",
    "seed",
    "n",
    "max_trials",
    "estimate",
    "low",
    "high",
    "verdict",
)
"""The names of an attempt's columns."""

_CONSTANT = ("model", "rung", "prompt", "body", "seed")
"""Columns that are told once where all attempts are alike in them."""

_SHORT = 6
"""Hex digits of a hash in a table."""


def rows_of(history: Sequence[Entry]) -> Iterator[tuple[Any, ...]]:
    """Yield an attempt as a row of `ROW`, each with its last finding; None where it has none."""
    findings = latest_findings(history)
    for attempt in attempts_in(history):
        found = findings.get(attempt.id)
        yield tuple(getattr(attempt if hasattr(attempt, name) else found, name, None) for name in ROW)


def beliefs_lines(beliefs: Iterable[Sequence[Entry]], width: int) -> Iterator[Line]:
    """Return a line for each belief, with how often it was tried and what came last."""
    for history in beliefs:
        tried, findings = attempts_in(history), latest_findings(history)
        if not tried:
            yield Line(inline(f"{history[-1].test}: predicted, and not tried yet", width))
            continue
        last = findings.get(tried[-1].id)
        yield Line(inline(history[-1].test, width), Style.BOLD)
        kinds = [
            count(len(tried), "attempt"),
            *_kinds(tried),
            f"{'unfinished' if last is None else last.verdict}, {tried[-1].at[:10]}",
        ]
        yield Line(inline(f"  {' · '.join(kinds)}", width), _style(last))


def history_lines(beliefs: Iterable[Sequence[Entry]], width: int) -> Iterator[Line]:
    """Return each attempt at the beliefs as a line of a table."""
    head = ("#", "day", "model", "rung", "prompt", "body", "seed", "n", "observed", "interval", "verdict")
    for history in beliefs:
        findings = latest_findings(history)
        tried = attempts_in(history)
        if not tried:
            yield Line(inline(f"{history[-1].test}: predicted, and not tried yet", width))
            continue
        names = dict.fromkeys(entry.test for entry in history)
        yield Line(inline(", once ".join(reversed([*names])), width), Style.BOLD)
        sentences = dict.fromkeys(entry.sentence for entry in history if entry.sentence)
        for sentence in reversed([*sentences]):
            yield Line(inline(f"  {sentence}", width))
        rows = [_cells(attempt, findings.get(attempt.id)) for attempt in tried]
        alike = [
            at for at, name in enumerate(head) if name in _CONSTANT and len({row[at] for row in rows}) == 1
        ]
        told = [f"{head[at]} {rows[0][at]}" for at in alike if rows[0][at]]
        yield Line(inline(f"  {' · '.join(told)}", width), Style.DIM)
        kept = [at for at in range(len(head)) if at not in alike]
        widths = {at: max(columns(row[at]) for row in (head, *rows)) for at in kept}
        styles = [Style.DIM, *(_style(findings.get(attempt.id)) for attempt in tried)]
        for row, style in zip((head, *rows), styles, strict=True):
            yield Line(
                inline("  " + "  ".join(pad(row[at], widths[at]) for at in kept).rstrip(), width), style
            )


def _cells(attempt: Tried, found: Found | None) -> tuple[str, ...]:
    where = f"{attempt.stream}:{attempt.seed}" if attempt.stream else str(attempt.seed)
    ends = None
    if found is not None and found.low is not None and found.high is not None:
        ends = Interval(low=found.low, high=found.high, level=0.9)  # the level is not shown
    return (
        str(attempt.number),
        attempt.at[:10],
        inline(attempt.model, 32),
        inline(attempt.rung, 16),
        attempt.prompt[:_SHORT],
        attempt.body[:_SHORT],
        inline(where, 20),
        "" if found is None else f"{found.n:,}",
        "" if found is None or found.estimate is None else rate(found.estimate),
        "" if ends is None else interval(ends),
        "unfinished" if found is None else f"{mark(Outcome(found.verdict))} {found.verdict}",
    )


def _kinds(tried: Sequence[Tried]) -> Iterator[str]:
    for one, many in (("prompt", "prompts"), ("body", "bodies"), ("model", "models"), ("rung", "rungs")):
        n = len({getattr(attempt, one) for attempt in tried} - {""})
        if n > 1:
            yield count(n, one, many)


def _style(found: Found | None) -> Style:
    return Style.DIM if found is None else STYLES[Outcome(found.verdict)]
