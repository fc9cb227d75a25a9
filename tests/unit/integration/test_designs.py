"""The design of an item: its cases, and how they are sampled."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.case_sets import load
from pytest_velo.claims import rate
from pytest_velo.integration.collect.families import PLUGIN, Families
from pytest_velo.integration.collect.frame import case_set, design_for, design_of
from pytest_velo.integration.collect.marks import Spec
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
    plugins.register(Families(session_of(request.config)), PLUGIN)
    for name in ("test_a", "test_b"):
        test = f"def {name}(): return True"
        item, _ = hypothesis_item(request, "rate >= 0.5, family='of two'", test)
    assert design_for(item, Settings(alpha=0.05, multiplicity=Multiplicity.HOLM)).alpha == 0.025
    plugins.unregister(name=PLUGIN)


def test_a_design_over_a_population_with_two_draws_a_case() -> None:
    three = load(["a", "b", "c"], base=Path())
    twice_each = Spec(
        claim=rate >= 0.5, options={"over": Over.POPULATION, "draws_per_case": 2, "alpha": 0.01}
    )
    design = design_of(twice_each, three, Settings(max_trials=200))
    assert design.scope == "beyond these cases"
    assert design.alpha == 0.01
    assert design.max_units == 3
    assert design.unit_size == 2
    assert [trial.unit for trial in design.trials()] == [0, 0, 1, 1, 2, 2]
