"""The failure text of a hypothesis, made for machines, laid out where a terminal shows it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pytest_velo.integration.compat import fitted_longrepr
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.stubs import stubs_of
from pytest_velo.settings import ShowKind


def fit_to_terminal(
    report: pytest.TestReport,
    result: HypothesisResult,
    *,
    show: int,
    verbosity: int,
    kind: ShowKind | None = None,
) -> None:
    """Have a report's failure text wrapped at the width of the terminal that it is written to.

    Reports come from workers too, which know no terminal, and go to JUnit too, where a text is not wrapped.
    Notices are left to the summary, which says each once, but for what a check found that makes a test fail.
    """
    failed = result.outcome in (Outcome.REFUTED, Outcome.INCONCLUSIVE)
    found = result.outcome in (Outcome.SUPPORTED, Outcome.MEASURED) and bool(result.found)
    ours = failed or (found and not stubs_of(result))  # else it is the refusal of the stub
    if not (ours and report.failed and hasattr(report.longrepr, "reprcrash")):
        return

    def write(writer: Any) -> None:
        width = max(40, writer.fullwidth)
        encoding = sys.stdout.encoding
        for line in failure_lines(
            result, show, verbosity, kind=kind, notices=found, width=width, encoding=encoding
        ):
            writer.line(line.text, **line.style.markup)

    report.longrepr = fitted_longrepr(report, write)
