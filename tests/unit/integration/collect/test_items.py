"""Collection: which tests are ours, and every mistake that can be seen before a call is made."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_velo.claims import rate
from pytest_velo.designing.models import model_ids
from pytest_velo.designing.spec import Spec
from pytest_velo.integration.collect.items import before_collection, generate, prepare
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.session import VeloSession
from pytest_velo.settings import Settings
from support.items import collected


def test_a_test_is_parametrized_by_its_models(request: pytest.FixtureRequest) -> None:
    test, _ = collected(
        request,
        '@pytest.mark.hypothesis(rate >= 0.5, models=[scripted("a", ["yes"]), scripted("b", ["no"])])\n'
        'def test_it(model): return model("Is 7 a prime?") == "yes"\n',
    )
    told = []
    generate(SimpleNamespace(definition=test, parametrize=lambda *given, **_: told.append(given)), Settings())
    assert told == [("model", ("scripted/a", "scripted/b"))]


def test_only_hypotheses_are_prepared(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> None:
    mine, other = collected(
        request,
        "@pytest.mark.hypothesis(rate >= 0.5, cases=[1, 2])\n"
        "def test_mine(case): return case > 1\n"
        "def test_other(): assert 2 > 1\n",
    )
    prepare([mine, other], VeloSession(pytestconfig))
    assert mine.stash[SPEC].claim == (rate >= 0.5)
    assert mine.get_closest_marker("velo") is not None
    assert SPEC not in other.stash


def test_models_of_the_mark_win_over_the_settings() -> None:
    settings = Settings(models=("local/smollm2-135m",))
    assert model_ids(Spec(claim=rate >= 0.5), settings) == ("local/smollm2-135m",)
    assert model_ids(Spec(claim=rate >= 0.5, options={"models": ("openai/gpt-5",)}), settings) == (
        "openai/gpt-5",
    )


def test_a_lambda_cannot_be_a_hypothesis(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    marked = pytest.mark.hypothesis("rate >= 0.5")
    file = pytest.Module.from_parent(request.session, path=tmp_path, nodeid="test_a.py")

    @marked
    @pytest.mark.usefixtures("anyio_backend")
    async def test_it(): ...

    before_collection(file, "test_it", test_it)
    assert [mark.name for mark in test_it.pytestmark] == ["hypothesis"]
    with pytest.raises(
        pytest.Collector.CollectError, match=re.escape("test_a.py::test_it: a lambda cannot be a hypothesis")
    ):
        before_collection(file, "test_it", pytest.mark.hypothesis(lambda: True))
