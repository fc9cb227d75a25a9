"""What the terminal shows, as pure functions from records to styled lines."""

from __future__ import annotations

from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import Line, Style, as_text, fit_encoding, fit_lines
from pytest_velo.report.phrases import count, dollars, interval, rate
from pytest_velo.report.summary import expected_false, summary_lines
from pytest_velo.report.text import inline
from pytest_velo.settings import Settings
from pytest_velo.verdicts import Interval

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


def header_lines(
    settings: Settings,
    *,
    n_hypotheses: int | None = None,
    expected_false: float | None = None,
    encoding: str | None = "utf-8",
) -> list[Line]:
    """Return the header: what this session runs with, the seed in the form that can be pasted.

    Args:
        settings: Of the session.
        n_hypotheses: How many were collected; None before collection.
        expected_false: Bound on the expected number of false verdicts among them; None when unknown.
        encoding: Encoding of the stream.
    """
    models = ", ".join(map(inline, settings.models)) or "none set"
    budget = "none" if settings.budget_usd is None else dollars(settings.budget_usd)
    parts = [
        f"seed {settings.seed} (--velo-seed={settings.seed})",
        f"models {models}",
        f"mode {settings.mode}",
        f"budget {budget}",
        f"profile {inline(settings.profile)}",
    ]
    if settings.strict:
        parts.append("strict")
    lines = [Line(f"velo: {' · '.join(parts)}")]
    if n_hypotheses is not None:
        text = f"velo: {count(n_hypotheses, 'hypothesis', 'hypotheses')}"
        if expected_false is not None:
            text += f" · expected false verdicts: at most {expected_false:.2g}"
        lines.append(Line(text))
    return fit_lines(lines, encoding)


def progress_line(
    name: str,
    *,
    n_for: int,
    n_valid: int,
    estimate: float | None,
    ends: Interval | None,
    min_more: int | None,
    cost_usd: float | None,
    width: int = 80,
    encoding: str | None = "utf-8",
) -> str:
    """Return the live line of one hypothesis, at most `width` columns; the name gives way first.

    Args:
        name: The test's name.
        n_for: Valid trials for the claim.
        n_valid: Valid trials.
        estimate: Observed rate; None before any valid trial.
        ends: The anytime interval; None where it is not at hand.
        min_more: Fewest further trials that could give a verdict; None when unknown.
        cost_usd: Dollars spent; None when a price is unknown.
        width: Columns there are.
        encoding: Encoding of the stream.
    """
    parts = [f"{n_for}/{n_valid} for"]
    if estimate is not None:
        parts.append(f"rate {rate(estimate)}" + (f" {interval(ends)}" if ends is not None else ""))
    if min_more is not None:
        parts.append(f"needs ≥ {min_more} more")
    parts.append(dollars(cost_usd))
    facts = fit_encoding(" · ".join(parts), encoding)
    room = max(width - len(facts) - 2, 8)
    return inline(f"{inline(name, room)}  {facts}", width)
