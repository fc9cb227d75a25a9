"""What the terminal shows, as pure functions from records to styled lines."""

from __future__ import annotations

from pytest_velo.report.terminal import progress_line


def test_progress_line() -> None:
    assert (
        progress_line("test_tells", n_for=17, n_valid=20, estimate=0.85, ends=None, min_more=3, cost_usd=None)
        == "test_tells  17/20 for · rate 0.85 · needs ≥ 3 more · $?"
    )
