"""How many trials of a run may be launched before it is known that they are needed."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.runner.lookahead import Ahead
from pytest_velo.runner.weigher import weigh
from support.runs import hypothesis


def test_fewer_trials_are_launched_ahead_where_some_are_known() -> None:
    belief = hypothesis(rate >= 0.5, [1] * 50)
    assert Ahead(belief, weigh(belief)).up_to(0) == 8
    assert Ahead(belief, weigh(belief), n_known=3).up_to(0) == 3
