"""Claims about means, differences and lists keep their error rates at the null's edge; short cuts do not.

20,000 runs with fixed seeds, or exact dynamic programming. Each test looks at one side alone and at every
unit up to the horizon, as if nothing else stopped the sampling: a rule of two sides can only err less.
"""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy.stats import binom

from pytest_velo.claims import difference, mean, rate
from pytest_velo.stats.engine.census import alternatives, log_e_census
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold, crossing_probability
from pytest_velo.stats.limits.mean import log_evidence, max_log_evidence
from pytest_velo.stats.one_sided.discordant import DiscordantTest
from pytest_velo.stats.one_sided.mean import MeanTest
from pytest_velo.stats.planning.law import approximate_law
from pytest_velo.stats.rules.census import census_tests
from pytest_velo.stats.rules.joint import make_joint_rule
from pytest_velo.stats.rules.mean import make_mean_rule
from pytest_velo.verdicts import Verdict
from support.laws import pair_law

ALPHA = 0.05
LOG_BAR = math.log(1 / ALPHA)
RUNS = 20_000
BATCH = 4_000
UNITS = 150
MOST = float(binom.ppf(0.998, RUNS, ALPHA)) / RUNS
"""A rule that errs with probability alpha shows no more with 998 seeds of 1,000: 5.45%."""
ROUNDING = 1e-12


def error(draw, threshold, side, *, units=UNITS, log_bar=LOG_BAR, seed=0):
    """Return the share of runs whose evidence against the null ever reaches the bar."""
    rng = np.random.default_rng(seed)
    crossed = 0
    for _ in range(RUNS // BATCH):
        paths = draw(rng, (BATCH, units))
        crossed += int((max_log_evidence(paths, [threshold], side) >= log_bar).sum())
    return crossed / RUNS


def beta(centre, kappa):
    return lambda rng, shape: rng.beta(centre * kappa, (1 - centre) * kappa, shape)


def levels(values, weights):
    return lambda rng, shape: rng.choice(np.array(values, dtype=float), shape, p=weights)


SCORES = {
    "varied, .5": (beta(0.5, 1), 0.5),
    "smooth, .3": (beta(0.3, 6), 0.3),
    "narrow, .7": (beta(0.7, 60), 0.7),
    "three levels, .5": (levels([0, 0.5, 1], [0.3, 0.4, 0.3]), 0.5),
    "rubric, .7": (levels([0.2, 0.6, 0.8, 1.0], [0.1, 0.3, 0.5, 0.1]), 0.7),
    "mostly constant, .5": (levels([0.5 / 0.97, 0.0], [0.97, 0.03]), 0.5),
    "seldom anything, .05": (levels([0.0, 1.0], [0.95, 0.05]), 0.05),
}


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("scores", SCORES)
def test_scores(scores, side):
    draw, truth = SCORES[scores]
    wrong = error(draw, truth, side)
    assert wrong <= MOST
    assert wrong > 0.002 or scores == "narrow, .7"  # these move too little to err within the horizon


def test_a_finite_list_drawn_with_replacement():
    scores = np.random.default_rng(7).beta(2, 3, 12)
    assert 0.002 < error(lambda rng, shape: rng.choice(scores, shape), float(scores.mean()), 1) <= MOST


def pairs(p_up, p_down):
    return levels([1.0, 0.0, 0.5], [p_up, p_down, 1 - p_up - p_down])


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("p_up", "p_down"), [(0.3, 0.2), (0.12, 0.02), (0.05, 0.15)])
def test_pairs_at_a_margin(p_up, p_down, side):
    assert error(pairs(p_up, p_down), (1 + p_up - p_down) / 2, side) <= MOST


@pytest.mark.parametrize("claim", [difference("a", "b") >= 0, difference("a", "b") <= 0], ids=str)
@pytest.mark.parametrize("discordant", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("max_units", [60, 300])
def test_discordant_pairs_exactly(claim, discordant, max_units):
    law = pair_law(claim, discordant / 2, discordant / 2, Design(alpha=ALPHA, beta=0.08, max_units=max_units))
    assert law.supported <= ALPHA + ROUNDING
    assert law.refuted <= 0.08 + ROUNDING
    alone = crossing_probability(0.5, 0.5, calibrated_log_threshold(0.5, 1, ALPHA, max_units), 1, max_units)
    assert ALPHA / 2 < float(alone) <= ALPHA + ROUNDING


FATES = {
    "a is invalid on half of what it would lose": (0.0, 0.5, 0.0),
    "a is invalid on all it would lose": (0.0, 1.0, 0.0),
    "a is invalid on half of all discordant pairs": (0.5, 0.5, 0.0),
    "both are invalid now and then": (0.2, 0.2, 0.2),
}


def with_invalid_arms(fates):
    """Fair discordant pairs of which some have an unknown arm, by what they would have been.

    Returns:
        The low bounds, and whether a pair is valid.
    """
    up_unknown, down_unknown, same_unknown = fates

    def draw(rng, shape):
        d = rng.choice([1.0, 0.0, 0.5], shape, p=[0.25, 0.25, 0.5])
        chance = np.where(d == 1.0, up_unknown, np.where(d == 0.0, down_unknown, same_unknown))
        unknown = rng.random(shape) < chance
        low = np.where(unknown, np.maximum(d - 0.5, 0.0), d)  # arm a is unknown: it may have been 0
        return low, ~unknown

    return draw


def toss_error(draw, *, drop):
    """Return the share of runs whose discordant pairs reach the calibrated threshold of `DiscordantTest`."""
    bar = calibrated_log_threshold(0.5, 1, ALPHA, UNITS)
    needed = np.array(
        [
            next((s for s in range(n + 1) if log_e_counts(n, s, 0.5, 1) >= bar), n + 1)
            for n in range(UNITS + 1)
        ]
    )
    rng, crossed = np.random.default_rng(3), 0
    for _ in range(RUNS // BATCH):
        low, valid = draw(rng, (BATCH, UNITS))
        tossed = (low != 0.5) & (valid if drop else True)
        tosses = tossed.cumsum(axis=1)
        ones = ((low == 1.0) & tossed).cumsum(axis=1)
        crossed += int((ones >= needed[tosses]).any(axis=1).sum())
    return crossed / RUNS


@pytest.mark.parametrize("fates", FATES)
def test_pairs_with_an_invalid_arm(fates):
    draw = with_invalid_arms(FATES[fates])
    assert toss_error(draw, drop=False) <= MOST
    assert error(lambda rng, shape: draw(rng, shape)[0], 0.5, 1) <= MOST


def test_leaving_them_out_fails_the_same_test(calibration):
    draw = with_invalid_arms(FATES["a is invalid on half of what it would lose"])
    calibration.tell({Verdict.SUPPORTED: (wrong := toss_error(draw, drop=True))})
    assert wrong > 4 * MOST


@pytest.mark.parametrize(
    "build", [lambda: MeanTest(0.5, 1, ALPHA), lambda: DiscordantTest(1, ALPHA, max_n=40)]
)
def test_an_adversary_who_sees_the_evidence_gains_nothing(build):
    """Outcomes that would lower the evidence become invalid when it is high."""
    rng, wrong = random.Random(4), 0
    for _ in range(RUNS):
        test = build()
        for _ in range(40):
            outcome = rng.choice((1.0, 0.0))
            hide = outcome == 0.0 and (test.log_e > 1.0 or rng.random() < 0.3)
            test.feed(0.0 if hide else outcome, 1.0 if hide else outcome)
            if test.crossed:
                break
        wrong += test.crossed
    assert wrong / RUNS <= MOST


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("size", [20, 90])
def test_recorded_outcomes_exactly(size, threshold):
    """The census at each null's edge, by a forward pass over the ones seen; then twice as far from it."""
    for claim in (rate >= threshold, rate <= threshold):
        for [test] in census_tests(claim, Design(census=size, alpha=ALPHA, beta=0.08, max_units=size)):
            counts = alternatives(test.count, test.side, size)
            errors = []
            for truth in {test.count, max(0, min(size, test.count - 3 * test.side))}:
                mass, wrong = np.zeros(size + 2), 0.0
                mass[0] = 1.0
                for n in range(1, size + 1):
                    seen = np.arange(size + 1)
                    chance = np.clip((truth - seen) / (size - n + 1), 0.0, 1.0)
                    rising = mass[:-1] * chance
                    mass[:-1] -= rising
                    mass[1:] += rising
                    for ones in range(max(0, n - size + truth), min(n, truth) + 1):
                        if log_e_census(ones, n - ones, test.count, counts, size) >= test.log_threshold:
                            wrong += mass[ones]
                            mass[ones] = 0.0
                errors.append(wrong)
            assert max(errors) <= test.level + ROUNDING


def test_joint_claims_refute_at_beta():
    """Calibrated parts exactly at their share; the pool of the others in 20,000 runs of dependent scores."""
    claim = (rate("a") >= 0.3) & (rate("b") <= 0.4) & (mean(0, 1, "c") >= 0.5) & (mean(0, 1, "d") >= 0.5)
    rule = make_joint_rule(claim, Design(alpha=ALPHA, beta=ALPHA, max_units=UNITS))
    spent = 0.0
    for part in rule.parts[:2]:
        test = part.refute
        spent += float(
            crossing_probability(test.threshold, test.threshold, test.log_threshold, test.side, UNITS)
        )
    assert ALPHA / 4 < spent <= ALPHA / 2 + ROUNDING
    rng, crossed = np.random.default_rng(5), 0
    for _ in range(RUNS // BATCH):
        first = rng.beta(4, 4, (BATCH, UNITS))
        second = np.where(rng.random((BATCH, UNITS)) < 0.7, first, 1 - first)
        both = [log_evidence(paths, [0.5], -1) for paths in (first, second)]
        pool = np.logaddexp(*both) - math.log(2)
        crossed += int((pool.max(axis=1) >= math.log(2 / ALPHA)).sum())  # two parts of four: half the level
    assert crossed / RUNS <= float(binom.ppf(0.998, RUNS, ALPHA / 2)) / RUNS


@pytest.mark.parametrize("scores", ["smooth, .3", "mostly constant, .5"])
def test_estimates_cover_at_every_moment_at_once(scores):
    draw, truth = SCORES[scores]
    both = math.log(2 / ALPHA)
    missed = [error(draw, truth, side, log_bar=both, seed=8) for side in (1, -1)]
    assert sum(missed) <= MOST


@pytest.mark.parametrize(
    ("claim", "truth", "kappa", "max_units"),
    [
        (mean(0, 1) >= 0.5, 0.6, 2, 100),
        (mean(0, 1) >= 0.5, 0.55, 10, 100),
        (mean(0, 1) >= 0.5, 0.45, 10, 200),
        (mean(0, 1) >= 0.7, 0.75, 30, 60),
        (mean(0, 1).within(0.4, 0.6), 0.5, 10, 150),
        (mean(0, 1) <= 0.3, 0.22, 5, 150),
    ],
    ids=str,
)
def test_the_approximate_law_is_near_the_rule(claim, truth, kappa, max_units):
    design = {"alpha": ALPHA, "beta": ALPHA, "max_units": max_units}
    deviation = math.sqrt(truth * (1 - truth) / (kappa + 1))
    law = approximate_law(claim, truth, deviation, Design(**design))
    rng, runs, decided, units = random.Random(11), 300, {Verdict.SUPPORTED: 0, Verdict.REFUTED: 0, None: 0}, 0
    for _ in range(runs):
        rule = make_mean_rule(claim, Design(**design))
        while rule.verdict is None and rule.n < max_units:
            score = rng.betavariate(truth * kappa, (1 - truth) * kappa)
            rule.feed(score, score)
        decided[rule.verdict] += 1
        units += rule.n
    assert law.supported == pytest.approx(decided[Verdict.SUPPORTED] / runs, abs=0.15)
    assert law.refuted == pytest.approx(decided[Verdict.REFUTED] / runs, abs=0.15)
    assert law.mean_n == pytest.approx(units / runs, rel=0.2)
