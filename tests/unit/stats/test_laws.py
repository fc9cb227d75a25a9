import itertools
import math

import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.adaptive import best_walk
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.law import approximate_law, smallest_detectable
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.planning.reach import mean_reach
from pytest_velo.stats.rules.difference import make_difference_rule
from pytest_velo.stats.rules.mean import make_mean_rule
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict
from support.laws import pair_law

LEVELS = {"alpha": 0.05, "beta": 0.05}
BETTER = difference("a", "b") >= 0


@pytest.mark.parametrize("claim", [BETTER, difference("a", "b") <= 0], ids=str)
@pytest.mark.parametrize("min_units", [1, 5])
def test_the_law_of_pairs_is_that_of_every_path(claim, min_units):
    p = {1.0: 0.5, 0.0: 0.2, 0.5: 0.3}
    horizon = 8
    supported = refuted = mean_n = 0.0
    for path in itertools.product(p, repeat=horizon):
        weight = 1.0
        for outcome in path:
            weight *= p[outcome]
        rule = make_difference_rule(
            claim, Design(alpha=0.1, beta=0.2, max_units=horizon, min_units=min_units)
        )
        for outcome in path:
            if rule.feed(outcome, outcome):
                break
        supported += weight * (rule.verdict is Verdict.SUPPORTED)
        refuted += weight * (rule.verdict is Verdict.REFUTED)
        mean_n += weight * rule.n
    law = pair_law(claim, 0.5, 0.2, Design(alpha=0.1, beta=0.2, max_units=horizon, min_units=min_units))
    assert (law.supported, law.refuted, law.mean_n) == pytest.approx((supported, refuted, mean_n), abs=1e-12)
    assert law.truth == pytest.approx(0.3)


def test_pairs_without_a_law_are_refused():
    for claim in (difference("a", "b") >= 0.1, difference("a", "b").within(0.1)):
        with pytest.raises(UsageError, match="not decided by discordant pairs"):
            pair_law(claim, 0.2, 0.1, Design(max_units=100, **LEVELS))
    for shares in ((0.0, 0.0), (0.8, 0.3), (-0.1, 0.3)):
        with pytest.raises(UsageError, match="must sum to more than 0"):
            pair_law(BETTER, *shares, design=Design(max_units=100, **LEVELS))
    with pytest.raises(UsageError, match="at most 5000 pairs, got 6000"):
        pair_law(BETTER, 0.2, 0.1, Design(max_units=6_000, **LEVELS))


def test_the_smallest_detectable_rate_has_its_power_and_no_smaller_one_has():
    rule = make_rate_rule(rate <= 0.3, Design(max_units=150, **LEVELS))

    def law(truths):
        return operating_characteristics(rule, truths)

    found = smallest_detectable(law, 0.3, 0.0)
    at, nearer = law([found, found + 0.0001])
    assert at.supported >= 0.8 > nearer.supported
    assert smallest_detectable(law, 0.3, 0.29) is None


def test_a_longer_horizon_detects_less():
    found = [
        smallest_detectable(
            lambda ds, n=n: [approximate_law(BETTER, d, 0.5, Design(max_units=n, **LEVELS)) for d in ds],
            threshold=0.0,
            end=1.0,
        )
        for n in (50, 200, 800)
    ]
    assert found == sorted(found, reverse=True)
    assert found[2] < 0.08 < found[0]


def test_approximate_laws_at_the_ends():
    at_edge = approximate_law(mean(0, 10) >= 5, 5, 2, Design(max_units=100, **LEVELS))
    assert (at_edge.supported, at_edge.refuted, at_edge.mean_n) == (0.05, 0.05, 100)
    constant = approximate_law(mean(0, 10) >= 5, 9, 0.0, Design(max_units=100, min_units=20, **LEVELS))
    assert (constant.supported, constant.refuted, constant.mean_n) == (1.0, 0.0, 20)
    within = approximate_law(mean(0, 10).within(4, 6), 8, 1, Design(max_units=100, **LEVELS))
    assert within.refuted > 0.99
    assert within.supported <= 0.05


@pytest.mark.parametrize(("edge", "truth"), [(0.3, 0.5), (0.5, 0.6), (0.9, 0.95), (0.02, 0.05)])
def test_the_walk_of_0_1_and_of_constant_outcomes_is_exact(edge, truth):
    won, lost = math.log(truth / edge), math.log((1 - truth) / (1 - edge))
    drift, noise = best_walk(edge, truth - edge, truth * (1 - truth))
    assert drift == pytest.approx(truth * won + (1 - truth) * lost)
    assert noise == pytest.approx(math.sqrt(truth * (1 - truth)) * (won - lost))
    assert best_walk(edge, truth - edge, 0.0) == pytest.approx((won, 0.0))
    assert best_walk(edge, -0.01, 0.1) == (0.0, 0.0)


@pytest.mark.parametrize("edge", [0.01, 0.3, 0.5, 0.9, 0.99])
def test_the_walk_is_finite_and_rises_with_the_distance(edge):
    for variance in (0.0, 1e-12, 0.001, 0.05, 0.25):
        distances = [(1 - edge) * share / 20 for share in range(21)]
        drifts = [best_walk(edge, distance, variance).drift for distance in distances]
        assert all(math.isfinite(drift) for drift in drifts)
        assert drifts[0] == 0.0
        assert drifts[-1] == pytest.approx(-math.log(edge))
        on_scale = [d for d, x in zip(drifts, distances, strict=True) if variance**0.5 <= 1 - edge - x]
        assert on_scale == sorted(on_scale)


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (mean(0, 10) >= 7, {}),
        (mean(0, 10) <= 2, {"margin": 1}),
        (mean(0, 10).within(4, 6), {}),
        (BETTER, {"single": True}),
        (BETTER, {}),
        (difference("a", "b") >= -0.05, {"single": True, "min_units": 12}),
        (difference("a", "b").within(0.2), {"single": True}),
    ],
    ids=str,
)
def test_a_verdict_is_within_reach_of_the_horizon_that_is_named(claim, changes):
    design = {**LEVELS, "single": False, **changes}
    reach = mean_reach(claim, Design(max_units=1_000, **design))
    make = make_difference_rule if claim.statistic.arms else make_mean_rule
    edges = [claim.low, claim.high]
    middle = 0.5 if None not in edges else None
    for wanted, horizon, outcomes in (
        (Verdict.SUPPORTED, reach.n_support, [middle] if middle else [0.0, 1.0]),
        (Verdict.REFUTED, reach.n_refute, [0.0, 1.0]),
    ):
        verdicts = set()
        for outcome in outcomes:
            rule = make(claim, Design(max_units=horizon, **design))
            while rule.n < horizon and rule.feed(outcome, outcome) is None:
                pass
            verdicts.add(rule.verdict)
        assert wanted in verdicts
        within = mean_reach(claim, Design(max_units=horizon, **design))
        assert within.can_support or wanted is Verdict.REFUTED


def test_what_is_out_of_reach_is_named():
    reach = mean_reach(mean(0, 10) >= 9.9, Design(max_units=30, **LEVELS, single=False))
    assert not reach.can_support
    assert reach.can_refute
    assert reach.n_support > 300
    with pytest.raises(UsageError, match="alpha must be between"):
        mean_reach(BETTER, Design(alpha=0, beta=0.1, max_units=9, single=False))
