"""How a rule will do before any unit is drawn: its verdicts and its sample size at a given truth."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.operating import mean_further, operating_characteristics
from pytest_velo.stats.rules.rate import make_rate_rule


def test_errors_at_the_threshold_are_below_the_levels() -> None:
    rule = make_rate_rule(rate >= 0.3, Design(alpha=0.05, beta=0.05, max_units=200))
    [wrong] = operating_characteristics(rule, [0.3])
    assert wrong.supported < 0.05
    assert wrong.refuted < 0.05


def test_power_grows_with_the_rate() -> None:
    rule = make_rate_rule(rate >= 0.3, Design(alpha=0.05, beta=0.05, max_units=200))
    laws = operating_characteristics(rule, [0.35, 0.4, 0.5])
    assert [round(law.supported, 2) for law in laws] == [0.29, 0.77, 1.0]


def test_mean_further_at_the_threshold() -> None:
    rule = make_rate_rule(rate >= 0.5, Design(alpha=0.05, beta=0.05, max_units=200))
    for unit in [1, 0] * 10:
        _ = rule.feed(unit, unit)
    assert round(mean_further(rule, ones=10)) == 141
