"""The table of hypotheses at the end of a session: every number with its name.

Where there is room each hypothesis is a line, below a head that names the columns. Otherwise its numbers
stand below its name, and each is named beside itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_velo.records import HypothesisResult, Outcome, UnitKind
from pytest_velo.report.lines import Line, Style
from pytest_velo.report.numbers import count, dollars, interval, percent, rate
from pytest_velo.report.phrases import claim_text, mark, observed, used_text
from pytest_velo.report.stubs import outcome_word, stubbed_text, stubs_of
from pytest_velo.report.text import columns, inline, pad

STYLES = {
    Outcome.SUPPORTED: Style.GOOD,
    Outcome.REFUTED: Style.BAD,
    Outcome.MEASURED: Style.GOOD,
    Outcome.INCONCLUSIVE: Style.WARN,
    Outcome.ERROR: Style.BAD,
    Outcome.SKIPPED: Style.DIM,
}
_SEPARATOR = "  "
_NARROWEST = 11
"""Columns of the outcome in entries: those of `✓ supported`, which most are."""


def table_lines(results: Sequence[HypothesisResult], names: Sequence[str], width: int) -> list[Line]:
    """Return one line per hypothesis below a head if they fit, else the numbers below each name."""
    head = ("verdict", "test", "claim", "observed", _interval_head(results), "trials", "saved", "cost")
    levels = _levels(results)
    rows = [
        (_told(result), name, *_cells(result, levels)) for result, name in zip(results, names, strict=True)
    ]
    widths = [max(map(columns, column)) for column in zip(head, *rows, strict=True)]
    if sum(widths) + len(_SEPARATOR) * (len(widths) - 1) <= width:
        texts = [_SEPARATOR.join(map(pad, row, widths)).rstrip() for row in (head, *rows)]
        styles = [Style.DIM, *(STYLES[result.outcome] for result in results)]
        return [Line(text, style) for text, style in zip(texts, styles, strict=True)]
    indent = max(_NARROWEST, *(columns(_outcome(result)) for result in results))
    return [
        line
        for result, name in zip(results, names, strict=True)
        for line in _entry(result, name, indent, width)
    ]


def brief_lines(results: Sequence[HypothesisResult], names: Sequence[str], width: int) -> list[Line]:
    """Return one line per hypothesis, for `-q`: what was observed, and as much of the name as fits."""
    indent = max(_NARROWEST, *(columns(_outcome(result)) for result in results))
    numbers = [_brief_numbers(result) for result in results]
    room = max(8, width - indent - max(map(columns, numbers)) - 2 * len(_SEPARATOR))
    shown = [inline(name, room) for name in names]
    longest = max(map(columns, shown))
    return [
        Line(
            inline(
                _SEPARATOR.join([pad(_outcome(result), indent), pad(name, longest), told]).rstrip(), width
            ),
            STYLES[result.outcome],
        )
        for result, name, told in zip(results, shown, numbers, strict=True)
    ]


def _brief_numbers(result: HypothesisResult) -> str:
    stubbed = stubbed_text(stubs_of(result))
    if result.decision is None:
        return stubbed
    ends, estimate = result.decision.evidence.interval, result.decision.evidence.estimate
    if stubbed:
        return f"{rate(estimate)}, {stubbed}"
    if ends is None:
        return observed(result)
    return f"{rate(estimate)}, {percent(ends.level)} interval {interval(ends)}"


def _entry(result: HypothesisResult, name: str, indent: int, width: int) -> Iterator[Line]:
    room = width - indent - len(_SEPARATOR)
    yield Line(f"{pad(_told(result), indent)}{_SEPARATOR}{inline(name, room)}", STYLES[result.outcome])
    margin = " " * indent + _SEPARATOR
    for text in packed(_pieces(result), room, " · "):
        yield Line(margin + text)


def _outcome(result: HypothesisResult) -> str:
    return f"{mark(result.outcome)} {result.outcome}"


def _told(result: HypothesisResult) -> str:
    """Return the outcome with what was stubbed, which may be long: entries are not indented by it."""
    return f"{mark(result.outcome)} {outcome_word(result)}"


def _pieces(result: HypothesisResult) -> list[str]:
    """Return claim, observed, interval, trials, cost, each with its name."""
    pieces = [inline(claim_text(result))]
    if result.decision is None:
        return [*pieces, *([dollars(result.cost_usd)] if result.n_calls else [])]
    ends, saved = result.decision.evidence.interval, result.decision.n_saved
    pieces.append(f"observed {observed(result)}")
    if ends is not None:
        pieces.append(f"{percent(ends.level)} interval {interval(ends)}")
    used = used_text(result)
    if saved:
        used += f", {saved:,} saved" if _counts_trials(result) else f", {count(saved, 'trial')} saved"
    return [*pieces, used, _cost(result)]


def _cells(result: HypothesisResult, levels: set[float]) -> tuple[str, ...]:
    """Return the same for columns that have a head; empty where there is nothing."""
    claim = inline(claim_text(result))
    if result.decision is None:
        return (claim, "", "", "", "", dollars(result.cost_usd) if result.n_calls else "")
    ends, saved = result.decision.evidence.interval, result.decision.n_saved
    level = "" if ends is None or len(levels) == 1 else f"{percent(ends.level)} "
    trials = _counts_trials(result)
    return (
        claim,
        observed(result),
        "" if ends is None else level + interval(ends),
        used_text(result, in_table=True),
        "" if not saved else f"{saved:,}" if trials else count(saved, "trial"),
        _cost(result),
    )


def _levels(results: Sequence[HypothesisResult]) -> set[float]:
    """Return the levels of all intervals, as they are printed."""
    ends = [result.decision.evidence.interval for result in results if result.decision is not None]
    return {round(each.level, 6) for each in ends if each is not None}


def _interval_head(results: Sequence[HypothesisResult]) -> str:
    levels = _levels(results)
    return f"{percent(min(levels))} interval" if len(levels) == 1 else "interval"


def _counts_trials(result: HypothesisResult) -> bool:
    """Tell whether what is counted are trials, so that what is saved is of the same kind."""
    return result.unit in (None, UnitKind.TRIAL)


def _cost(result: HypothesisResult) -> str:
    return dollars(result.cost_usd) + (" + $?" if result.outside else "")


def packed(pieces: Sequence[str], width: int, separator: str) -> list[str]:
    """Join pieces into as few lines as fit, breaking only between pieces."""
    lines: list[str] = []
    for piece in pieces:
        if lines and columns(lines[-1] + separator + piece) <= width:
            lines[-1] += separator + piece
        else:
            lines.append(inline(piece, width))
    return lines
