"""Sampling hypotheses together, before pytest reaches them, and handing each over when it does."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_velo.integration.collect.items import prepare as prepare_items
from pytest_velo.integration.run import pool
from pytest_velo.integration.run.pool import start_pooling
from pytest_velo.integration.session import SESSION, VeloSession
from support.items import collected, hypothesis_item


def config_of(state: VeloSession) -> Any:
    return SimpleNamespace(
        stash={SESSION: state},
        option=SimpleNamespace(collectonly=False),
        pluginmanager=pytest.PytestPluginManager(),
        getini=lambda name: None,
    )


def test_pooled_items_reach_their_verdicts(request: pytest.FixtureRequest) -> None:
    mark = "rate >= 0.5, max_trials=5"
    item, state = hypothesis_item(request, mark, "def test_it(): return 1 > 0")
    (other,) = collected(request, f"@pytest.mark.hypothesis({mark})\ndef test_too(): return 1 < 0")
    prepare_items([other], state)
    pooling = start_pooling(SimpleNamespace(config=config_of(state), items=[item, other], testsfailed=0))
    assert pooling.reach(item).result.outcome.value == "supported"
    assert pooling.reach(other).result.outcome.value == "refuted"
    pooling.close()


BOUNDED = """
from pytest_velo import rate
SEEN = []

@pytest.mark.hypothesis(rate >= 0.5, max_trials=5, min_trials=5)
async def test_a(): SEEN.append("a"); return 1 > 0

@pytest.mark.hypothesis(rate >= 0.5, max_trials=5, min_trials=5)
async def test_b(): return 1 > 0

@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)
async def test_c(): return SEEN.count("a") == 5
"""


def test_a_hypothesis_beyond_the_bound_waits_until_another_is_reached(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "AT_ONCE", 2)
    _, state = hypothesis_item(request, "rate >= 0.5", "def test_it(): return 1 > 0")
    vars(state)["settings"] = replace(state.settings, concurrency=1)
    items = collected(request, BOUNDED)
    prepare_items(items, state)
    pooling = start_pooling(SimpleNamespace(config=config_of(state), items=items, testsfailed=0))
    assert [pooling.has(one) for one in items] == [True, True, False]
    verdicts = [pooling.reach(one).result.outcome.value for one in items]
    assert verdicts == ["supported", "supported", "supported"], "the third saw all trials of the first"
    pooling.close()
