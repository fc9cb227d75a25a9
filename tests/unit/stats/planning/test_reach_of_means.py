"""Which verdicts about means and differences a horizon leaves within reach, known at collection."""

from __future__ import annotations

from pytest_velo.claims import difference
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.nulls import Null
from pytest_velo.stats.planning.reach import constant_run, mean_reach


def test_a_difference_out_of_reach_tells_how_many_it_needs() -> None:
    claim = difference("new", "old") >= -0.02
    reach = mean_reach(claim, Design(alpha=0.05, beta=0.05, max_units=5, single=True))
    assert not reach.can_support
    assert reach.n_support == 6


def test_constant_run_of_ones() -> None:
    assert constant_run(Null(0.5, 1), 1.0, 0.05) == 6
