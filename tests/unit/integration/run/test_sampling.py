"""From an item to a run that is ready to be sampled, and from a run that ended to its result."""

from __future__ import annotations

import pytest

from pytest_velo.integration.run.sampling import prepare
from support.items import hypothesis_item


def test_a_prepared_item_is_sampled_and_concluded(request: pytest.FixtureRequest) -> None:
    mark, test = "rate >= 0.5, max_trials=5", "def test_it(): return 1 > 0"
    item, session = hypothesis_item(request, mark, test)
    sampling = prepare(item, session)
    session.loop.run(sampling.run.go())
    sampling.conclude()
    assert sampling.result.outcome.value == "supported"
    assert len(sampling.run.trials) == 5
    assert 0.5**5 < 0.05
