"""Estimates: how often the interval misses the truth at the moment its own width ends the sampling.

20,000 runs with fixed seeds through units, rule and interval as shipped, held to the exact binomial bound of
so many runs; and, for a rate, exactly: the chance that a limit is ever beyond the truth, whatever stops it.
An interval costs milliseconds. So only those runs are weighed in which the test against the truth itself
comes near to rejecting it at some moment, and 100 of the others, none of which may miss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import binom

from pytest_velo.claims import Estimation, difference, estimate, mean, rate
from pytest_velo.records import OutcomeKind
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.fixed_width import FixedWidth, fixed_width_design
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold, crossing_probability
from pytest_velo.stats.limits.mean import max_log_evidence
from pytest_velo.stats.rules.estimate import EXACTLY, FEW_LOOKS, make_estimate

ALPHA = 0.1
BATCH = 4_000
NEAR = 0.05
"""Log evidence that a run may lack of rejecting the truth and is weighed all the same."""
ROUNDING = 1e-12
LEFT = 1 - EXACTLY
"""Of alpha, for the interval that is valid at any moment."""


def ever_near(paths, truth: float):
    """Tell for each path, on the scale of [0, 1], whether a test of the truth nearly rejects it."""
    near = np.zeros(len(paths), dtype=bool)
    for side in (1, -1):
        bar = math.log(2 / ALPHA) - NEAR
        for first in range(0, len(paths), BATCH):
            some = slice(first, first + BATCH)
            near[some] |= max_log_evidence(paths[some], [truth], side) >= bar
    return near


def missed(calibration, hypothesis, units: Sequence, values, places, truth: float) -> float:
    """Return the share of runs whose interval misses the truth.

    Args:
        units: The trials of each unit there can be.
        values: What each unit is worth.
        places: Which unit comes when, an array of shape (runs, units).
        truth: In the statistic's own units.
    """
    scale = hypothesis.claim.statistic.scale
    paths = np.array([scale.to_unit(value) for value in values])[places]
    calibrated = calibration.weighed(hypothesis, [])[0].kind == "calibrated"
    # The interval of a rate is a look-up, so that all its runs are weighed.
    near = np.ones(len(paths), dtype=bool) if calibrated else ever_near(paths, scale.to_unit(truth))
    ended: dict[tuple[int, ...], bool] = {}

    def misses(run: tuple[int, ...]) -> bool:
        for n in range(1, len(run)):  # what comes after its end changes nothing
            if run[:n] in ended:
                return ended[run[:n]]
        weigher, _ = calibration.weighed(hypothesis, (units[place] for place in run))
        interval = weigher.bounds()[2]
        ended[run[: weigher.n]] = wrong = not interval.low <= truth <= interval.high
        return wrong

    wrong = sum(misses(tuple(run)) for run in places[near].tolist())
    assert not any(misses(tuple(run)) for run in places[~near][:100].tolist())
    taken = [len(run) for run in ended]
    share = wrong / calibration.n_runs
    print(f"missed {share:.4f}; near {near.mean():.3f}; {min(taken)} to {max(taken)} units")
    assert len(places) == calibration.n_runs
    assert max(taken) >= min(taken) + 4  # it is the width that ends it
    return share


def singles(calibration, values):
    return [[calibration.trial(_=float(value))] for value in values]


def test_a_rate(calibration):
    """Of up to 40 trials."""
    truth = 0.3
    ones = np.random.default_rng(1).random((calibration.n_runs, 40)) < truth
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.25), 40, alpha=ALPHA)
    share = missed(calibration, hypothesis, singles(calibration, (0, 1)), (0, 1), ones.astype(int), truth)
    assert 0.01 < share <= calibration.most(ALPHA)


def test_a_mean(calibration):
    """Scores of a rubric, 0 to 4; up to 60 of them."""
    places = np.random.default_rng(2).choice(5, (calibration.n_runs, 60), p=[0.1, 0.2, 0.1, 0.2, 0.4])
    hypothesis = calibration.hypothesis(estimate(mean(0, 4), halfwidth=0.8), 60, alpha=ALPHA)
    values = range(5)
    share = missed(calibration, hypothesis, singles(calibration, values), values, places, 2.6)
    assert 0.01 < share <= calibration.most(ALPHA)


def test_a_difference(calibration):
    """Of the rates of two arms that mostly go together."""
    trial = calibration.trial
    units = [[trial("b", _=b), trial("a", _=a)] for a, b in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0))]
    places = np.random.default_rng(3).choice(3, (calibration.n_runs, 60), p=[0.5, 0.35, 0.15])
    hypothesis = calibration.hypothesis(
        estimate(difference("a", "b"), halfwidth=0.35), 60, alpha=ALPHA, arms=("b", "a")
    )
    share = missed(calibration, hypothesis, units, (0, 1, -1), places, 0.2)
    assert 0.005 < share <= calibration.most(ALPHA)


def three_draws(calibration):
    """Return cases that are always right or always wrong, three draws of each."""
    return [[calibration.trial(_=one)] * 3 for one in (0.0, 1.0)]


def test_several_draws_of_a_case(calibration):
    places = np.random.default_rng(4).integers(0, 2, (calibration.n_runs, 40))
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.25), 40, alpha=ALPHA, turns_per_unit=3)
    share = missed(calibration, hypothesis, three_draws(calibration), (0, 1), places, 0.5)
    assert 0.01 < share <= calibration.most(ALPHA)


def test_draws_taken_as_independent_fail_the_same_test(calibration):
    """Exactly: up to 24 draws are up to eight cases, which come out in 256 ways."""
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.15), 24, alpha=ALPHA)
    wrong = 0
    for way in range(256):
        cases = (way >> case & 1 for case in range(8))
        draws = ([calibration.trial(_=float(case))] for case in cases for _ in range(3))
        interval = calibration.weighed(hypothesis, draws)[0].bounds()[2]
        wrong += not interval.low <= 0.5 <= interval.high
    calibration.tell({"missed": wrong / 256})
    assert wrong / 256 > 2 * ALPHA


@pytest.mark.parametrize("truth", [0.03, 0.3, 0.5, 0.9])
def test_a_rate_at_every_moment_at_once_exactly(calibration, truth):
    """The test of each side against the truth itself, up to 300 trials: a limit excludes what it rejects."""
    ever = [
        crossing_probability(truth, truth, calibrated_log_threshold(truth, side, ALPHA / 2, 300), side, 300)
        for side in (1, -1)
    ]
    calibration.tell({"ever missed": sum(ever)})
    assert ALPHA / 2 < sum(ever) <= ALPHA + ROUNDING


def test_a_limit_excludes_only_what_its_test_rejects(calibration):
    """Up to 300 trials: the ends of 30 intervals against the very tests of which the errors are exact."""
    hypothesis = calibration.hypothesis(Estimation(statistic=rate, halfwidth=None), 300, alpha=ALPHA)
    rng = np.random.default_rng(5)
    for truth in rng.random(30).tolist():
        ones = (rng.random(300) < truth).tolist()
        weigher, _ = calibration.weighed(hypothesis, ([calibration.trial(_=float(one))] for one in ones))
        interval, counts = weigher.bounds()[2], np.cumsum(ones[: weigher.n]).tolist()
        for end, side in ((interval.low, 1), (interval.high, -1)):
            if not 0.0 < (null := end - 1e-4 * side) < 1.0:
                continue  # nothing is excluded on this side
            best = max(log_e_counts(n, s, null, side) for n, s in enumerate(counts, 1))
            assert best >= calibrated_log_threshold(null, side, ALPHA / 2, 300) - 1e-6


DESIGNS = [
    (0.1, 400, 1, 0.05),
    (0.1, 60, 1, 0.05),
    (0.05, 3_000, 1, 0.05),
    (0.2, 300, 20, 0.1),
    (0.25, 40, 1, 0.2),
]
"""Half-width, horizon, first look, alpha."""


@pytest.mark.parametrize("asked", DESIGNS, ids=str)
def test_a_rate_at_few_looks_misses_no_rate_too_often(calibration, asked):
    """Exactly, right beside each end of an interval, where the chance to miss jumps; and for all rates.

    Between two ends that follow each other nothing jumps, and each chance below is one of two sums that rise
    or fall with the rate: their ends bound all that lies between (in eight parts, to bound it closely).
    """
    halfwidth, horizon, first_look, alpha = asked
    stops = fixed_width_design(halfwidth, alpha, horizon, first_look).outcomes()
    ends = np.unique(np.concatenate(([0.0, 1.0], stops.low, stops.high)))
    below, above = ends[:-1], ends[1:]  # all rates between two ends miss the same stops
    worst = 0.0
    log_orders = gammaln(stops.n + 1) - gammaln(stops.ones + 1) - gammaln(stops.n - stops.ones + 1)
    ways = np.exp(stops.log_ways - log_orders)
    for u, v in zip(below.tolist(), above.tolist(), strict=True):
        if v - u < 1e-9:
            continue
        inside = (u + v) / 2
        high, low = stops.low > inside, stops.high < inside
        cuts = np.linspace(u, v, 9)[:, None]
        rising = binom.pmf(stops.ones[high], stops.n[high], cuts[1:]) @ ways[high]
        falling = binom.pmf(stops.ones[low], stops.n[low], cuts[:-1]) @ ways[low]
        worst = max(worst, float((rising + falling).max()))
    calibration.tell({"missed at most": worst})
    assert 0.4 * alpha < worst <= alpha * 1.002


@pytest.mark.parametrize("stop", ["shipped", "Wald's"])
def test_a_rate_at_few_looks_at_its_worst_rate(calibration, stop):
    """20,000 runs at the rate that is missed most, which stopping at Wald's width fails."""
    design = fixed_width_design(0.1, 0.05, 400)
    if stop == "Wald's":
        design = FixedWidth(0.1, 1.96, 0.5, 400, 1)
    rates = np.linspace(0.01, 0.5, 400)
    truth = float(rates[np.argmax([design.law(p).missed for p in rates])])
    ones = (np.random.default_rng(6).random((calibration.n_runs, design.looks[-1])) < truth).cumsum(axis=1)
    open_, missed = np.ones(len(ones), dtype=bool), 0
    for n in design.looks:
        for s in np.unique(ones[open_, n - 1]).tolist():
            if design.stops(n, s):
                here = open_ & (ones[:, n - 1] == s)
                low, high = design.ends(n, s)
                missed += int(here.sum()) * (not low <= truth <= high)
                open_ &= ~here
    share = missed / calibration.n_runs
    calibration.tell({"missed": share})
    assert not open_.any()
    assert (share <= calibration.most(0.05)) == (stop == "shipped")


@pytest.mark.parametrize("truth", [0.05, 0.3, 0.5])
def test_a_rate_whose_sampling_an_adversary_ends(calibration, truth):
    """Exactly, a bound: the adversary has all that the anytime-valid interval ever misses, and the design."""
    rule = make_estimate(rate, 0.1, Design(alpha=ALPHA, beta=ALPHA, max_units=150))
    level = LEFT * ALPHA / 2
    ever = sum(
        float(
            crossing_probability(truth, truth, calibrated_log_threshold(truth, side, level, 150), side, 150)
        )
        for side in (1, -1)
    )
    missed = rule.few_looks.law(truth).missed
    calibration.tell({"anytime": ever, "at the stop": missed})
    assert 0.0 < ever + missed <= ALPHA + ROUNDING
    assert missed > ever


@pytest.mark.parametrize("ends_it", ["stops", "makes a trial invalid"])
def test_a_rate_that_an_adversary_leaves_before_its_design_ends(calibration, ends_it):
    """20,000 runs through units and rule, at the rate that the design misses most.

    The adversary knows the truth: where the interval that is valid at any moment excludes it, the run is left
    there, or its next trial is invalid, so that this interval is the one that is reported from then on. Only
    the other runs go on to the design's own stop.
    """
    units = 40
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.25), units, alpha=ALPHA)
    design = make_estimate(rate, 0.25, hypothesis.design).few_looks
    rates = np.linspace(0.05, 0.5, 200)
    truth = float(rates[np.argmax([design.law(p).missed for p in rates])])
    ones = (np.random.default_rng(14).random((calibration.n_runs, units)) < truth).astype(int)
    counts = ones.cumsum(axis=1)
    stops = np.zeros((units + 1, units + 1), dtype=bool)
    near, kept = np.zeros_like(stops), np.zeros_like(stops)
    for n in range(1, units + 1):
        stops[n, : n + 1] = [design.stops(n, s) for s in range(n + 1)]
        for side in (1, -1):
            log_e = np.array([log_e_counts(n, s, truth, side) for s in range(n + 1)])
            bar, low = (
                calibrated_log_threshold(truth, side, x * ALPHA / 2, units) for x in (LEFT, 1 - FEW_LOOKS)
            )
            near[n, : n + 1] |= log_e >= bar - NEAR
            kept[n, : n + 1] |= (log_e >= low) & (log_e < bar - NEAR)
    at = np.arange(1, units + 1)
    end = stops[at, counts].argmax(axis=1)  # the place of the trial that ends the design
    before = np.arange(units) < end[:, None]
    tempting = near[at, counts] & before
    invalid = replace(calibration.trial(_=0.0), kind=OutcomeKind.INVALID, values={})
    ended: dict[tuple[int, ...], bool] = {}

    def misses(path: tuple[int, ...], more: Sequence = ()) -> bool:
        units = [[calibration.trial(_=float(one))] for one in path]
        interval = calibration.weighed(hypothesis, [*units, *more])[0].bounds()[2]
        return not interval.low <= truth <= interval.high

    def wrong(run: int) -> bool:
        more = [[invalid]] if ends_it == "makes a trial invalid" else []
        lengths = [*(np.flatnonzero(tempting[run]) + 1).tolist(), int(end[run]) + 1]
        for n in lengths:
            path = tuple(ones[run, :n].tolist())
            if path not in ended:
                ended[path] = misses(path, more if n <= end[run] else ())
            if ended[path]:
                return True
        return False

    share = sum(map(wrong, range(calibration.n_runs))) / calibration.n_runs
    calibration.tell({"missed": share, "tempted": float(tempting.any(axis=1).mean())})
    assert design.law(truth).missed < share <= calibration.most(ALPHA)
    untold = kept[at, counts] & before & ~tempting.any(axis=1)[:, None]  # another share of alpha would tell
    some = np.argwhere(untold)[:40].tolist()
    assert len(some) == 40
    assert not any(misses(tuple(ones[run, : place + 1].tolist())) for run, place in some)
