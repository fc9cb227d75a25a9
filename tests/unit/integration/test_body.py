"""The models of an item's body: its own, any by name, and the judge."""

from __future__ import annotations

import pytest

from pytest_velo import scripted
from pytest_velo.integration.body import judge_of, model_of
from support.items import hypothesis_item


def test_model_of_the_settings_or_of_an_arm(request: pytest.FixtureRequest) -> None:
    ids = scripted("parrot", ["Hello!"]), scripted("owl", ["Who?"])
    test = "async def test_it(model): return 1 > 0"
    item, _ = hypothesis_item(request, "rate >= 0.5", test, models=ids[:1])
    assert model_of(item, None).id == "scripted/parrot"
    assert model_of(item, "scripted/owl").id == "scripted/owl"


def test_an_async_test_gets_an_async_judge(request: pytest.FixtureRequest) -> None:
    owl = scripted("owl", ['{"answer": "yes"}'])

    def judge(test):
        return judge_of(hypothesis_item(request, "rate >= 0.5", test, judge=owl)[0])

    assert type(judge("def test_it(judge): return 1 > 0")).__name__ == "Judge"
    assert type(judge("async def test_it(judge): return 1 > 0")).__name__ == "AsyncJudge"
