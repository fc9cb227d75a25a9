"""What the terminal shows, as pure functions from records to styled lines."""

from __future__ import annotations

from pytest_velo.report.failure import failure_lines
from pytest_velo.report.header import header_lines
from pytest_velo.report.lines import Line, Style, as_text
from pytest_velo.report.summary import expected_false, summary_lines

__all__ = [
    "Line",
    "Style",
    "as_text",
    "expected_false",
    "failure_lines",
    "header_lines",
    "summary_lines",
]
