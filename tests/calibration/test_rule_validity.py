"""The shipped rule keeps its error rates: exactly, by its law at every true rate of a grid."""

import itertools
import math

import numpy as np
import pytest

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.exact.thresholds import crossing_probability
from pytest_velo.stats.one_sided.rate import OneSided
from pytest_velo.stats.planning.operating import law_with_futility, operating_characteristics
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict

THRESHOLDS = [0.05, 0.3, 0.5, 0.8, 0.95]
ROUNDING = 1e-12


def grid(low, high):
    """Rates from `low` to `high`, both included, dense at the ends."""
    inner = np.linspace(low, high, 9)
    return [low, *np.nextafter(inner[1:-1], 1), high]


def errors(claim, *, alpha=0.05, beta=0.05, margin=0.0, **design):
    """Return the largest P(wrong supported) and P(wrong refuted) over the rates where they are wrong."""
    t = claim.threshold
    false, true = (grid(0.0, t - margin), grid(t, 1.0))
    if claim.high is not None:
        false, true = grid(t + margin, 1.0), grid(0.0, t)
    rule = make_rate_rule(claim, Design(alpha=alpha, beta=beta, margin=margin, **design))
    law = operating_characteristics(rule, [*false, *true])
    wrong_supported = max(at.supported for at in law[: len(false)])
    return wrong_supported, max(at.refuted for at in law[len(false) :])


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("max_units", [50, 200, 1000])
def test_calibrated_rule_keeps_both_error_rates(threshold, max_units):
    for claim in (rate >= threshold, rate <= threshold):
        wrong_supported, wrong_refuted = errors(claim, max_units=max_units)
        assert wrong_supported <= 0.05 + ROUNDING
        assert wrong_refuted <= 0.05 + ROUNDING


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize(
    "design",
    [
        {"margin": 0.04, "max_units": 200},
        {"min_units": 30, "max_units": 200},
        {"margin": 0.04, "min_units": 40, "max_units": 200},
        {"alpha": 0.01, "beta": 0.2, "max_units": 200},
        {"extend": True, "max_units": 200},
    ],
    ids=str,
)
def test_every_design_keeps_both_error_rates(threshold, design):
    for claim in (rate >= threshold, rate <= threshold):
        wrong_supported, wrong_refuted = errors(claim, **design)
        assert wrong_supported <= design.get("alpha", 0.05) + ROUNDING
        assert wrong_refuted <= design.get("beta", 0.05) + ROUNDING


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_each_side_keeps_its_level_though_the_other_never_stops_it(threshold):
    for side in (1, -1):
        test = OneSided(threshold, side, 0.05, max_n=200, min_n=1, calibrated=True)
        alone = crossing_probability(threshold, threshold, test.log_threshold, side, 200)
        assert alone <= 0.05 + ROUNDING


@pytest.mark.parametrize(("low", "high"), [(0.4, 0.6), (0.05, 0.3), (0.7, 0.72)])
@pytest.mark.parametrize("margin", [0.0, 0.04])
def test_within_keeps_both_error_rates(low, high, margin):
    rule = make_rate_rule(rate.within(low, high), Design(alpha=0.05, beta=0.05, margin=margin, max_units=300))
    outside = [*grid(0.0, low - margin), *grid(high + margin, 1.0)]
    law = operating_characteristics(rule, [*outside, *grid(low, high)])
    assert max(at.supported for at in law[: len(outside)]) <= 0.05 + ROUNDING
    assert max(at.refuted for at in law[len(outside) :]) <= 0.05 + ROUNDING


@pytest.mark.parametrize("claim", [rate >= 0.3, rate <= 0.8, rate.within(0.4, 0.6)], ids=str)
def test_giving_up_takes_verdicts_away_and_adds_none_at_any_truth(claim):
    """The law of a run that gives up, which is that of every path (`tests/unit/stats/test_futility.py`)."""
    rule = make_rate_rule(claim, Design(alpha=0.05, beta=0.08, max_units=200))
    edges = [edge for edge in (claim.low, claim.high) if edge is not None]
    truths = [*edges, *np.linspace(0.05, 0.95, 7).tolist()]
    gives_up = law_with_futility(rule, usual_futility(200))(truths)
    for early, late in zip(gives_up, operating_characteristics(rule, truths), strict=True):
        assert early.supported <= late.supported + ROUNDING
        assert early.refuted <= late.refuted + ROUNDING
    at_edges = gives_up[: len(edges)]
    assert 0.01 < max(at.supported for at in at_edges) <= 0.05 + ROUNDING
    assert 0.01 < max(at.refuted for at in at_edges) <= 0.08 + ROUNDING


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_calibration_spends_its_level_and_saves_units(threshold):
    calibrated, ville = (
        make_rate_rule(rate >= threshold, Design(alpha=0.05, beta=0.05, max_units=400, extend=e))
        for e in (False, True)
    )
    truth = threshold + (1 - threshold) / 3
    edge, better = operating_characteristics(calibrated, [threshold, truth])
    ville_edge, worse = operating_characteristics(ville, [threshold, truth])
    assert edge.supported > ville_edge.supported
    assert better.mean_n < worse.mean_n
    assert better.supported > edge.supported


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_peer_rule_of_observed_share_fails_the_same_check(threshold):
    """ "Passed if the observed rate reaches the threshold" is wrong about half the time at the edge."""
    n = 200
    needed = math.ceil(n * threshold - 1e-9)
    rates = np.array(grid(0.0, threshold))
    wrong = [
        sum(math.comb(n, s) * p**s * (1 - p) ** (n - s) for s in range(needed, n + 1)) for p in rates.tolist()
    ]
    assert 0.46 <= max(wrong) <= 0.74


@pytest.mark.parametrize("truth", [0.15, 0.4, 0.5, 0.85])
@pytest.mark.parametrize("claim", [rate >= 0.4, rate <= 0.4], ids=str)
def test_interval_covers_the_truth_at_its_level(claim, truth):
    """Over all paths of eight units: each end errs no more often than its level says."""
    too_high = too_low = 0.0
    seen = {}
    for path in itertools.product((0, 1), repeat=8):
        rule = make_rate_rule(claim, Design(alpha=0.1, beta=0.2, max_units=8))
        for outcome in path:
            if rule.feed(outcome, outcome):
                break
        prefix = path[: rule.n]
        if prefix not in seen:
            seen[prefix] = rule.evidence_bounds()[2]
            if rule.verdict is Verdict.SUPPORTED:
                assert (seen[prefix].low if claim.low else 1 - seen[prefix].high) >= 0.4 - 1e-9
        weight = truth ** sum(path) * (1 - truth) ** (8 - sum(path))
        too_high += weight * (seen[prefix].low > truth)
        too_low += weight * (seen[prefix].high < truth)
    up, down = (0.1, 0.2) if claim.low else (0.2, 0.1)
    assert too_high <= up + ROUNDING
    assert too_low <= down + ROUNDING
    assert len(seen) > 20
