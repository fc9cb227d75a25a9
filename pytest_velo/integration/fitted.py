"""The failure text of a hypothesis, made for machines, laid out where a terminal shows it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pytest_velo.integration.compat import fitted_longrepr
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.failure import failure_lines


def fit_to_terminal(
    report: pytest.TestReport, result: HypothesisResult, *, show: int, verbosity: int
) -> None:
    """Have a report's failure text wrapped at the width of the terminal that it is written to.

    Reports come from workers too, which know no terminal, and go to JUnit too, where a text is not wrapped.
    """
    ours = result.outcome in (Outcome.REFUTED, Outcome.INCONCLUSIVE)
    if not (ours and report.failed and hasattr(report.longrepr, "reprcrash")):
        return

    def write(writer: Any) -> None:
        width = max(40, writer.fullwidth)
        for line in failure_lines(result, show, verbosity, width=width, encoding=sys.stdout.encoding):
            writer.line(line.text, **line.style.markup)

    report.longrepr = fitted_longrepr(report, write)
