"""The sampling frame of an item: its cases, in which order they come, and its design."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.case_sets import load
from pytest_velo.claims import rate
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import Spec
from pytest_velo.integration.collect.families import Families
from pytest_velo.integration.collect.frame import case_set, frame_of
from pytest_velo.integration.collect.stash import FRAME
from pytest_velo.integration.names import FAMILIES_PLUGIN
from pytest_velo.integration.startup import session_of
from pytest_velo.runner.frame import Over
from pytest_velo.settings import Multiplicity, Settings
from support.items import hypothesis_item


def test_the_cases_of_an_item_are_loaded_once(request: pytest.FixtureRequest) -> None:
    test = "def test_it(case): return case.n > 1"
    item, session = hypothesis_item(request, "rate >= 0.5, cases=[{'n': 1}, {'n': 2}]", test)
    found = case_set(item, session.settings)
    assert [case.n for case in found.items] == [1, 2]
    assert found is case_set(item, session.settings)


def test_the_level_is_shared_in_a_family(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> None:
    plugins = pytestconfig.pluginmanager
    plugins.register(Families(session_of(request.config)), FAMILIES_PLUGIN)
    try:
        for name in ("test_a", "test_b"):
            test = f"def {name}(): return 1 > 0"
            item, _ = hypothesis_item(request, "rate >= 0.5, family='of two'", test)
        del item.stash[FRAME]  # which was made before the family was whole
        settings = Settings(alpha=0.05, multiplicity=Multiplicity.HOLM)
        assert frame_of(item, settings).design.alpha == 0.025
    finally:
        plugins.unregister(name=FAMILIES_PLUGIN)


def test_a_design_over_a_population_with_two_draws_a_case() -> None:
    three = load(["a", "b", "c"], base=Path())
    twice_each = Spec(
        claim=rate >= 0.5, options={"over": Over.POPULATION, "draws_per_case": 2, "alpha": 0.01}
    )
    frame = make_frame(twice_each, three, Settings(max_trials=200))
    assert frame.scope == "beyond these cases"
    assert frame.design.alpha == 0.01
    assert frame.design.max_units == 3
    assert frame.unit_size == 2
    assert [trial.unit for trial in frame.trials()] == [0, 0, 1, 1, 2, 2]


def test_several_draws_of_a_case_are_one_unit() -> None:
    six = load([1, 2, 3, 4, 5, 6], base=Path())
    spec = Spec(claim=rate >= 0.5, options={"over": Over.POPULATION, "draws_per_case": 3})
    design = make_frame(spec, six, Settings()).design
    assert design.max_units == 6
    assert design.draws == 3
    assert not design.single
