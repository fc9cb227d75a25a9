"""From a collected item to its plan."""

from __future__ import annotations

import pytest

from pytest_velo.integration.plan import plan_item
from support.items import hypothesis_item


def test_an_item_is_planned(request: pytest.FixtureRequest) -> None:
    mark, test = "rate >= 0.5, max_trials=5", "def test_it(): return 1 > 0"
    item, session = hypothesis_item(request, mark, test)
    plan = plan_item(item, session)
    assert plan.unit == "trial"
    assert plan.max_units == 5
    assert plan.price.calls == 0.0
    assert plan.parts[0].n_support == 5
    assert 0.5**4 >= 0.05
    assert 0.5**5 < 0.05
