"""What the names in a test's signature resolve to: our fixtures, the user's, or a plugin's."""

from __future__ import annotations

import pytest

from pytest_velo.integration.collect.fixture_names import (
    asking_in,
    is_harmless,
    is_ours,
    ours_in,
    shared_state,
)
from pytest_velo.integration.compat import fixture_info
from support.items import collected


def test_a_parameter_hides_our_fixture(request: pytest.FixtureRequest) -> None:
    (test,) = collected(
        request,
        '@pytest.mark.parametrize("judge", ["a value that is called judge"])\n'
        "@pytest.mark.hypothesis(rate >= 0.5, cases=[1, 2])\n"
        "def test_it(case, judge): return case > 1\n",
    )
    assert [is_ours(fixture_info(test), name) for name in ("case", "judge", "trial")] == [True, False, False]


def test_our_fixtures_are_found_in_a_signature(request: pytest.FixtureRequest) -> None:
    (test,) = collected(
        request,
        "@pytest.mark.hypothesis(rate >= 0.5, cases=[1, 2])\n"
        "def test_it(case, trial, tmp_path): return case > 1\n",
    )
    assert ours_in(fixture_info(test)) == ["case", "trial"]


def test_fixtures_that_ask_a_model_are_found(request: pytest.FixtureRequest) -> None:
    (test,) = collected(
        request,
        '@pytest.mark.hypothesis(rate >= 0.5, models=["local/smollm2-135m"])\n'
        'def test_it(model, trial): return model("Is 7 a prime?") == "yes"\n',
    )
    assert asking_in(fixture_info(test)) == ["model"]


def test_our_fixtures_are_harmless(request: pytest.FixtureRequest) -> None:
    (test,) = collected(
        request,
        "@pytest.mark.hypothesis(rate >= 0.5)\n"
        "def test_it(trial, tmp_path): return trial.rng.random() < 0.6\n",
    )
    definitions = fixture_info(test).name2fixturedefs
    assert [is_harmless(definitions[name][-1]) for name in ("trial", "tmp_path")] == [True, False]


def test_a_fixture_per_test_is_shared_state(request: pytest.FixtureRequest) -> None:
    (test,) = collected(
        request,
        "@pytest.mark.hypothesis(rate >= 0.5)\n"
        "def test_it(trial, tmp_path, tmp_path_factory): return trial.rng.random() < 0.6\n",
    )
    assert shared_state(test, fixture_info(test)) == ["tmp_path"]
