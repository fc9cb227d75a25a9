"""From a collected item to a hypothesis the runner can sample."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_velo.claims import Claim, Direction, rate
from pytest_velo.integration.collect.models import model_id
from pytest_velo.integration.collect.stash import FACTS, SPEC
from pytest_velo.integration.run.hypothesis import build, item_rule_maker
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.choice import rule_for
from support.items import hypothesis_item


def test_a_hypothesis_is_built_from_an_item(request: pytest.FixtureRequest) -> None:
    test = "def test_is_even(case): return case % 2 == 0"
    item, session = hypothesis_item(request, "rate >= 0.5, cases=[1, 2]", test)
    outcomes = HostOutcomes(item.stash[FACTS], item.stash[SPEC].claim)
    case_per_trial = {"case": None}
    hypothesis = build(
        item, session.settings, outcomes, may_pay=False, in_order=True, fixtures=case_per_trial
    )
    assert hypothesis.belief == "is even"
    assert hypothesis.frame.scope == "over these 2 cases"
    assert hypothesis.limit == 1
    assert [hypothesis.body(case, "", None) for case in (1, 2)] == [False, True]


def test_a_plugin_may_bring_the_rule_of_its_claim(pytestconfig: pytest.Config) -> None:
    class Surely(Claim): ...

    surely = Surely(statistic=rate, direction=Direction.AT_LEAST, low=0.5)
    given = []

    def takes_its_time(claim: Claim, **design: object) -> str:
        given.append(design)
        return "a rule that takes its time"

    plugin = SimpleNamespace(pytest_velo_claims=lambda: {Surely: takes_its_time})
    pytestconfig.pluginmanager.register(plugin)
    design = Design(alpha=0.05, beta=0.1, max_units=20, margin=0.02, min_units=3, census=20)
    assert item_rule_maker(pytestconfig, surely)(surely, design) == "a rule that takes its time"
    assert given == [
        {
            "alpha": 0.05,
            "beta": 0.1,
            "max_units": 20,
            "margin": 0.02,
            "min_units": 3,
            "single": True,
            "extend": False,
            "size": 20,
        }
    ]
    pytestconfig.pluginmanager.unregister(plugin)
    assert item_rule_maker(pytestconfig, surely) is rule_for


def test_model_id_is_of_the_model_in_the_mark(request: pytest.FixtureRequest) -> None:
    test = "def test_it(model): return 'yes' in model('Is 7 a prime?')"
    mark = "rate >= 0.5, models=['local/smollm2-135m']"
    item, session = hypothesis_item(request, mark, test)
    assert model_id(item, session.settings) == "local/smollm2-135m"
