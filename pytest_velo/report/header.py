"""The report header. It is shown at every start of pytest, so it imports next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.report.lines import Line, fit_lines
from pytest_velo.report.numbers import count, dollars
from pytest_velo.report.text import inline

if TYPE_CHECKING:
    from pytest_velo.settings import Settings


def header_lines(
    settings: Settings,
    *,
    n_hypotheses: int | None = None,
    expected_false: float | None = None,
    encoding: str | None = "utf-8",
) -> list[Line]:
    """Return the header: the settings of this session, with the seed in a form that can be pasted.

    `n_hypotheses` is None before collection; `expected_false` bounds the expected number of false verdicts
    among them, None if unknown.
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
    if settings.store is not None:
        parts.append(f"store {inline(str(settings.store))}")
    lines = [Line(f"velo: {' · '.join(parts)}")]
    if n_hypotheses is not None:
        text = f"velo: {count(n_hypotheses, 'hypothesis', 'hypotheses')}"
        if expected_false is not None:
            text += f" · expected false verdicts: at most {expected_false:.2g}"
        lines.append(Line(text))
    return fit_lines(lines, encoding)
