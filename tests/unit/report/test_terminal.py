"""What the terminal shows, as pure functions from records to styled lines."""

from __future__ import annotations

from pytest_velo.report.terminal import progress_line
from pytest_velo.verdicts import PairCounts


def test_progress_line() -> None:
    assert (
        progress_line("test_tells", n_for=17, n_valid=20, estimate=0.85, ends=None, min_more=3, cost_usd=None)
        == "test_tells  17/20 for · rate 0.85 · needs ≥ 3 more · $?"
    )


def test_progress_line_of_pairs() -> None:
    pairs = PairCounts(first="a", second="b", n_first=5, n_second=1, n_equal=14, binary=True)
    facts = {"n_for": 19, "n_valid": 20, "estimate": 0.2, "ends": None, "min_more": 3, "cost_usd": 0.0}
    line = progress_line("test_tells", **facts, what="difference", pairs=pairs)
    assert line == "test_tells  5 : 1 of 20 pairs · difference 0.20 · needs ≥ 3 more · $0.00"
