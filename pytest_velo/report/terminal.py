"""What the terminal shows, as pure functions from records to styled lines."""

from __future__ import annotations

from pytest_velo.report.failure import failure_lines
from pytest_velo.report.header import header_lines
from pytest_velo.report.lines import Line, Style, as_text, fit_encoding
from pytest_velo.report.numbers import dollars, interval, rate
from pytest_velo.report.summary import expected_false, summary_lines
from pytest_velo.report.text import inline
from pytest_velo.verdicts import Interval, PairCounts

__all__ = [
    "Line",
    "Style",
    "as_text",
    "expected_false",
    "failure_lines",
    "header_lines",
    "progress_line",
    "summary_lines",
]


def progress_line(
    name: str,
    *,
    n_for: int,
    n_valid: int,
    estimate: float | None,
    ends: Interval | None,
    min_more: int | None,
    cost_usd: float | None,
    what: str = "rate",
    pairs: PairCounts | None = None,
    width: int = 80,
    encoding: str | None = "utf-8",
) -> str:
    """Return the live line of one hypothesis, at most `width` columns; the name is shortened first.

    Args:
        name: The test's name.
        n_for: Valid trials for the claim.
        n_valid: Valid trials.
        estimate: Observed value; None before any valid trial.
        ends: The anytime-valid interval; None if it is not at hand.
        min_more: Fewest further trials that could give a verdict; None if unknown.
        cost_usd: Dollars spent; None if a price is unknown.
        what: What is observed: a rate, mean or difference.
        pairs: How the pairs of a difference came out so far; a tie is for neither arm.
        width: Columns of the terminal.
        encoding: Encoding of the stream.
    """
    parts = [
        f"{n_for}/{n_valid} for"
        if pairs is None
        else f"{pairs.n_first} : {pairs.n_second} of {pairs.n} pairs"
    ]
    if estimate is not None:
        parts.append(f"{what} {rate(estimate)}" + (f" {interval(ends)}" if ends is not None else ""))
    if min_more is not None:
        parts.append(f"needs ≥ {min_more} more")
    parts.append(dollars(cost_usd))
    facts = fit_encoding(" · ".join(parts), encoding)
    room = max(width - len(facts) - 2, 8)
    return inline(f"{inline(name, room)}  {facts}", width)
