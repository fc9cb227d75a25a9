"""From a collected item to its plan."""

from __future__ import annotations

import pytest

from pytest_velo.integration.collect.frame import design_for
from pytest_velo.integration.plan import plain_design, plan_item
from support.items import hypothesis_item


def test_an_item_is_planned(request: pytest.FixtureRequest) -> None:
    mark, test = "rate >= 0.5, max_trials=5", "def test_it(): return True"
    item, session = hypothesis_item(request, mark, test)
    plan = plan_item(item, session)
    assert plan.unit == "trial"
    assert plan.max_units == 5
    assert plan.price.calls == 0.0
    assert plan.parts[0].n_support == 5
    assert 0.5**4 >= 0.05
    assert 0.5**5 < 0.05


def test_plain_design_of_several_draws_a_case(request: pytest.FixtureRequest) -> None:
    mark = 'rate >= 0.5, cases=[1, 2, 3, 4, 5, 6], over="population", draws_per_case=3'
    item, session = hypothesis_item(request, mark, "def test_it(case): return True")
    plain = plain_design(item, design_for(item, session.settings), beta=0.05)
    assert plain.max_units == 6
    assert plain.draws == 3
    assert not plain.single
