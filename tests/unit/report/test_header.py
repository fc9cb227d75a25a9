"""The report header. It is shown at every start of pytest, so it imports next to nothing."""

from __future__ import annotations

from pytest_velo.report.header import header_lines
from pytest_velo.settings import Settings


def test_header_lines_of_three_hypotheses() -> None:
    assert [line.text for line in header_lines(Settings(seed=7), n_hypotheses=3, expected_false=0.15)] == [
        "velo: seed 7 (--velo-seed=7) · models none set · mode auto · budget $1.00 · profile explore",
        "velo: 3 hypotheses · expected false verdicts: at most 0.15",
    ]
