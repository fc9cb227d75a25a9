"""Which verdicts a horizon leaves within reach at all, known at collection in plain floats."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.reach import rate_reach


def test_a_low_rate_is_out_of_reach_in_100_trials() -> None:
    reach = rate_reach(rate <= 0.02, Design(alpha=0.05, beta=0.05, max_units=100))
    assert not reach.can_support
    assert reach.n_support == 149
    assert reach.can_refute
