"""Sampling hypotheses together, before pytest reaches them, and handing each over when it does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_velo.integration.collect.items import prepare as prepare_items
from pytest_velo.integration.run.pool import start_pooling
from pytest_velo.integration.session import SESSION
from support.items import collected, hypothesis_item


def test_pooled_items_reach_their_verdicts(request: pytest.FixtureRequest) -> None:
    mark = "rate >= 0.5, max_trials=5"
    item, state = hypothesis_item(request, mark, "def test_it(): return 1 > 0")
    (other,) = collected(request, f"@pytest.mark.hypothesis({mark})\ndef test_too(): return 1 < 0")
    prepare_items([other], state)
    config = SimpleNamespace(
        stash={SESSION: state},
        option=SimpleNamespace(collectonly=False),
        pluginmanager=pytest.PytestPluginManager(),
        getini=lambda name: None,
    )
    pooling = start_pooling(SimpleNamespace(config=config, items=[item, other], testsfailed=0))
    assert pooling.reach(item).result.outcome.value == "supported"
    assert pooling.reach(other).result.outcome.value == "refuted"
    pooling.close()
