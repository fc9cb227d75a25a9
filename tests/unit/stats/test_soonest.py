"""What a plan calls the earliest verdict is one that the rule itself comes to, and not before."""

from __future__ import annotations

import itertools

import pytest

from pytest_velo import difference, mean, rate
from pytest_velo.claims import Claim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.planning.soonest import soonest_verdicts
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict

LEVELS = {"alpha": 0.05, "beta": 0.05}


@pytest.mark.parametrize("max_units", [40, 200, 1000])
@pytest.mark.parametrize("claim", [rate >= 0.9, rate >= 0.6, rate >= 0.3], ids=str)
def test_it_is_where_a_perfect_run_ends(claim: Claim, max_units: int) -> None:
    support, refute = soonest_verdicts(claim, Design(**LEVELS, max_units=max_units))
    rule = make_rate_rule(claim, Design(**LEVELS, max_units=max_units))
    perfect, failing = operating_characteristics(rule, [1.0, 0.0])
    assert support == perfect.mean_n
    assert refute == failing.mean_n


@pytest.mark.parametrize("levels", [{"alpha": 0.3, "beta": 0.3}, {"alpha": 0.2, "beta": 0.6}], ids=str)
@pytest.mark.parametrize(
    "claim",
    [
        rate >= 0.5,
        rate <= 0.4,
        rate.within(0.3, 0.9),
        rate.within(0.4, 0.6),
        rate.within(0.55, 0.6),
        difference("a", "b") >= 0.0,
    ],
    ids=str,
)
def test_no_run_whatever_ends_before(claim: Claim, levels: dict[str, float]) -> None:
    design = {**levels, "max_units": 8}
    outcomes = [0.0, 0.5, 1.0] if claim.statistic.arms else [0.0, 1.0]
    first: dict[Verdict, int] = {}
    for path in itertools.product(outcomes, repeat=8):
        rule, verdict = rule_for(claim, Design(**design)), None
        for outcome in path:
            verdict = rule.feed(outcome, outcome)
            if verdict is not None:
                first[verdict] = min(rule.n, first.get(verdict, rule.n))
                break
    assert soonest_verdicts(claim, Design(**design)) == (
        first.get(Verdict.SUPPORTED),
        first.get(Verdict.REFUTED),
    )


def test_what_the_horizon_leaves_out_of_reach_never_comes() -> None:
    assert soonest_verdicts(rate <= 0.02, Design(**LEVELS, max_units=100)) == (None, 1)
    assert soonest_verdicts(mean(0, 10) >= 9.5, Design(**LEVELS, max_units=40)) == (None, 2)


def test_a_census_ends_at_the_latest_when_all_is_known() -> None:
    support, refute = soonest_verdicts(rate >= 0.5, Design(**LEVELS, max_units=10, census=10))
    assert support is not None
    assert refute is not None
    assert max(support, refute) <= 6


@pytest.mark.parametrize("min_units", [1, 7, 50])
def test_it_is_not_before_the_fewest_that_were_asked_for(min_units: int) -> None:
    support, refute = soonest_verdicts(rate >= 0.6, Design(**LEVELS, max_units=200, min_units=min_units))
    assert min(support, refute) >= min_units
