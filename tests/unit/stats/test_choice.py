import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.one_sided.census import CensusTest
from pytest_velo.stats.one_sided.discordant import DiscordantTest
from pytest_velo.stats.one_sided.mean import MeanTest
from pytest_velo.stats.one_sided.rate import OneSided
from pytest_velo.stats.planning.reach import reach_for
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.stats.rules.composed import ComposedRule
from pytest_velo.stats.rules.rate import RateRule


def of_rate(*edges, calibrated=True):
    """A test of a rate for each edge, with its side."""
    return [OneSided(*edge, 0.05, max_n=100, min_n=1, calibrated=calibrated) for edge in edges]


DESIGN = {"alpha": 0.05, "beta": 0.05, "max_units": 100}
BETTER = difference("a", "b") >= 0


@pytest.mark.parametrize(
    ("claim", "changes", "rule", "test", "kind"),
    [
        (rate >= 0.5, {}, RateRule, lambda: of_rate((0.5, 1)), "calibrated"),
        (rate >= 0.5, {"extend": True}, RateRule, lambda: of_rate((0.5, 1), calibrated=False), "ville"),
        (rate.within(0.3, 0.6), {}, RateRule, lambda: of_rate((0.3, 1), (0.6, -1)), "calibrated"),
        (
            rate.within(0.3, 0.6),
            {"extend": True},
            RateRule,
            lambda: of_rate((0.3, 1), (0.6, -1), calibrated=False),
            "ville",
        ),
        (rate >= 0.5, {"single": False}, ComposedRule, lambda: [MeanTest(0.5, 1, 0.05)], "ville"),
        (rate >= 0.5, {"census": 50}, ComposedRule, lambda: [CensusTest(24, 1, 0.05, size=50)], "ville"),
        (mean(0, 10) >= 5, {}, ComposedRule, lambda: [MeanTest(0.5, 1, 0.05)], "ville"),
        (BETTER, {}, ComposedRule, lambda: [DiscordantTest(1, 0.05, max_n=100)], "calibrated"),
        (BETTER, {"extend": True}, ComposedRule, lambda: [MeanTest(0.5, 1, 0.05)], "ville"),
        (BETTER, {"single": False}, ComposedRule, lambda: [MeanTest(0.5, 1, 0.05)], "ville"),
        (
            difference("a", "b", of=mean(0, 10)) >= 0,
            {},
            ComposedRule,
            lambda: [MeanTest(0.5, 1, 0.05)],
            "ville",
        ),
        (difference("a", "b") >= 0.1, {}, ComposedRule, lambda: [MeanTest(0.55, 1, 0.05)], "ville"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_each_kind_of_unit_has_its_rule(claim, changes, rule, test, kind):
    chosen = rule_for(claim, Design(**DESIGN, **changes))
    assert type(chosen) is rule
    tests = test()
    for each in (chosen, *tests):
        for outcome in (1.0, 0.0, 1.0):
            each.feed(outcome, outcome)
    assert chosen.log_e_support == min(one.log_e for one in tests)
    assert chosen.kind == kind


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (rate >= 0.5, {}),
        (rate >= 0.5, {"single": False}),
        (mean(0, 10) <= 5, {"margin": 1}),
        (BETTER, {}),
        (BETTER, {"extend": True}),
    ],
    ids=str,
)
def test_reach_is_that_of_the_rule(claim, changes):
    reach = reach_for(claim, Design(**DESIGN, **changes))
    best = 1.0 if claim.low is not None else 0.0
    for verdict, horizon, outcome in (
        ("supported", reach.n_support, best),
        ("refuted", reach.n_refute, 1 - best),
    ):
        for units in (horizon - 1, horizon):
            rule = rule_for(claim, Design(**{**DESIGN, "max_units": units}, **changes))
            while rule.n < units and rule.feed(outcome, outcome) is None:
                pass
            assert rule.verdict == (verdict if units == horizon else None)


def test_a_list_of_scores_is_no_census():
    with pytest.raises(UsageError, match="cannot be counted"):
        rule_for(mean(0, 10) >= 5, Design(**DESIGN, census=10))
