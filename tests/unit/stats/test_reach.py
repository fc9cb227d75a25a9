import math

import pytest

from pytest_velo.claims import rate
from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.design import MAX_CALIBRATED_UNITS, Design
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.planning.reach import rate_reach
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict

CLAIMS = [rate >= 0.3, rate >= 0.95, rate <= 0.02, rate <= 0.5, rate >= 0.03, rate.within(0.2, 0.6)]


def verdict_on(path, claim, **design):
    rule = make_rate_rule(claim, Design(**design))
    for outcome in path:
        if rule.feed(outcome, outcome):
            break
    return rule.verdict


@pytest.mark.parametrize("claim", CLAIMS[:-1], ids=str)
@pytest.mark.parametrize("extend", [False, True])
@pytest.mark.parametrize("min_units", [1, 12])
def test_needed_horizon_is_the_smallest_that_a_best_run_decides(claim, extend, min_units):
    design = {"alpha": 0.05, "beta": 0.1, "extend": extend, "min_units": min_units}
    reach = rate_reach(claim, Design(max_units=200, **design))
    best = 1 if claim.low is not None else 0
    for verdict, need, outcome in [
        (Verdict.SUPPORTED, reach.n_support, best),
        (Verdict.REFUTED, reach.n_refute, 1 - best),
    ]:
        assert verdict_on([outcome] * need, claim, max_units=need, **design) is verdict
        if need > min_units:
            assert verdict_on([outcome] * (need - 1), claim, max_units=need - 1, **design) is None
    assert reach.can_support == (reach.n_support <= 200)
    assert reach.can_refute == (reach.n_refute <= 200)


def test_within_is_reached_by_one_run_and_then_the_other():
    claim, design = rate.within(0.2, 0.6), {"alpha": 0.05, "beta": 0.05, "extend": True}
    need = rate_reach(claim, Design(max_units=500, **design)).n_support

    def supported_within(units):
        paths = ([1] * ones + [0] * (units - ones) for ones in range(units + 1))
        mirrored = ([0] * zeros + [1] * (units - zeros) for zeros in range(units + 1))
        verdicts = (verdict_on(path, claim, max_units=500, **design) for path in (*paths, *mirrored))
        return Verdict.SUPPORTED in verdicts

    assert supported_within(need)
    assert not supported_within(need - 1)


@pytest.mark.parametrize(
    ("claim", "longest"),
    [(rate.within(0.2, 0.6), 14), (rate.within(0.4, 0.6), 20), (rate.within(0.2, 0.9), 8)],
    ids=str,
)
def test_a_calibrated_within_is_never_called_out_of_reach_wrongly(claim, longest):
    """By what is possible at every horizon that the two-sided bounds of Ville leave open."""
    design = {"alpha": 0.05, "beta": 0.05}
    at_ville = rate_reach(claim, Design(max_units=500, extend=True, **design)).n_support
    named = rate_reach(claim, Design(max_units=500, **design)).n_support

    def possible(horizon):
        law = operating_characteristics(make_rate_rule(claim, Design(max_units=horizon, **design)), [0.5])
        return law[0].supported > 0.0

    within_reach = [horizon for horizon in range(1, longest + 1) if possible(horizon)]
    assert within_reach[-1] == longest
    assert named <= within_reach[0] <= min(named + 2, at_ville - 2)
    for horizon in range(1, longest + 1):
        assert rate_reach(claim, Design(max_units=horizon, **design)).can_support == (horizon >= named)


def test_a_calibrated_within_is_called_out_of_reach_at_extreme_ends_at_once():
    """Beyond the calibrated horizons it is Ville's thresholds again."""
    narrow = rate.within(0.99998, 0.99999)
    reach = rate_reach(narrow, Design(alpha=0.05, beta=0.05, max_units=4_000))
    assert not reach.can_support
    assert reach.n_support > MAX_CALIBRATED_UNITS


def test_within_about_means_is_never_called_out_of_reach_wrongly():
    claim = rate.within(0.4, 0.6)
    reach = rate_reach(claim, Design(alpha=0.05, beta=0.05, max_units=500, single=False))
    rule = make_rate_rule(claim, Design(alpha=0.05, beta=0.05, max_units=500, single=False))
    while rule.verdict is None:
        rule.feed(0.5, 0.5)
    assert rule.verdict is Verdict.SUPPORTED
    assert reach.n_support <= rule.n


def test_a_small_rate_names_the_clean_trials_it_needs():
    reach = rate_reach(rate <= 0.02, Design(alpha=0.05, beta=0.05, max_units=148))
    assert (reach.can_support, reach.n_support) == (False, 149)
    assert rate_reach(rate <= 0.02, Design(alpha=0.05, beta=0.05, max_units=149)).can_support


def test_beyond_the_calibrated_horizons_ville_is_asked():
    claim = rate <= 0.0007
    run = math.ceil(math.log(0.05) / math.log(1 - 0.0007))
    assert run < MAX_CALIBRATED_UNITS
    reach = rate_reach(claim, Design(alpha=0.05, beta=0.05, max_units=MAX_CALIBRATED_UNITS + 1))
    assert (reach.can_support, reach.n_support) == (False, run)
    tiny = rate_reach(rate <= 0.0001, Design(alpha=0.05, beta=0.05, max_units=10_000))
    assert not tiny.can_support
    assert rate_reach(rate <= 0.0001, Design(alpha=0.05, beta=0.05, max_units=tiny.n_support)).can_support


def test_margin_brings_a_claim_within_reach():
    assert rate_reach(rate <= 0.02, Design(alpha=0.05, beta=0.05, margin=0.03, max_units=60)).can_support


def test_parameters_are_checked():
    with pytest.raises(UsageError, match="alpha"):
        rate_reach(rate <= 0.02, Design(alpha=0, beta=0.05, max_units=60))
