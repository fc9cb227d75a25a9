"""Estimates of a rate with invalid trials: how often the interval misses, whoever makes which trials invalid.

Exactly, against the best adversary there is: he knows the rate and every outcome so far, and decides after
each outcome whether it is told. Once the limits that go on are made, only their misses at any look count, so
there he may even foresee outcomes. And the rule that ships, in seeded runs against adversaries of some kinds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from pytest_velo.claims import rate
from pytest_velo.stats import exact
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.exact.fixed_width import FixedWidth
from pytest_velo.stats.exact.repeated import RepeatedLimits, Seen, it_is_time, repeated_limits
from pytest_velo.stats.rules.estimate import EXACTLY, FEW_LOOKS, EstimateRule, make_estimate

ASKED = [(0.2, 60, 1, 0.1), (0.2, 26, 1, 0.05), (0.25, 60, 1, 0.1), (0.3, 40, 1, 0.2)]
"""Half-width, horizon, first look, alpha."""

planned = cache(repeated_limits)
"""Runs and adversaries meet the same limits again."""


def made(halfwidth: float, horizon: int, first_look: int, alpha: float) -> EstimateRule:
    design = Design(alpha=alpha, beta=alpha, max_units=horizon, min_units=first_look)
    return make_estimate(rate, halfwidth, design)


def missed_by(limits: RepeatedLimits, n: int, rates: np.ndarray) -> np.ndarray:
    """Return the chance that limits miss at any look from n on, by true ones at n and rate."""
    p = rates[:, None]
    end = limits.looks[-1]
    chance = np.zeros((len(rates), end + 1))
    for look in range(end, n - 1, -1):
        if look < end:
            chance = (1.0 - p) * chance[:, :-1] + p * chance[:, 1:]
        if look in limits.looks:
            ends = np.array([limits.ends(look, ones, ones) for ones in range(look + 1)])
            misses = (p < ends[:, 0]) | (p > ends[:, 1])
            chance = np.where(misses, 1.0, chance)
    return chance.T


def missed_at_most(rule: EstimateRule, spare: float, rates: np.ndarray) -> np.ndarray:
    """Return for each rate the chance to miss it against the best adversary, exactly."""
    design, horizon = rule.few_looks, rule.max_units

    @cache
    def going_on(seen: Seen) -> np.ndarray:
        return missed_by(planned(design, spare, horizon, seen), seen.n, rates)

    @cache
    def from_here(n: int, known: int, unknown: int, ones: int) -> np.ndarray:
        seen = Seen(n, known, known + unknown)
        if unknown == 0 and n and design.stops(n, known):
            low, high = design.ends(n, known)
            return np.where((rates < low) | (rates > high), 1.0, 0.0)
        if it_is_time(design, seen):
            return going_on(seen)[ones]
        one = np.maximum(
            from_here(n + 1, known + 1, unknown, ones + 1), from_here(n + 1, known, unknown + 1, ones + 1)
        )
        zero = np.maximum(from_here(n + 1, known, unknown, ones), from_here(n + 1, known, unknown + 1, ones))
        return rates * one + (1.0 - rates) * zero

    return from_here(0, 0, 0, 0)


def hard_rates(rule: EstimateRule, n: int) -> np.ndarray:
    """Return rates right below ends of intervals, where the chance to miss jumps."""
    limits = planned(rule.few_looks, 0.07 * rule.alpha, rule.max_units, Seen(8, 3, 4))
    lows = [limits.ends(n, s, s)[0] for n in limits.looks for s in range(n + 1)]
    lows += rule.few_looks.outcomes().low.tolist()
    ends = np.unique([low for low in lows if low > 0.0])
    below = ends[np.linspace(0, len(ends) - 1, n).astype(int)] - 1e-9
    return np.concatenate((below, 1.0 - below[::3], [0.001, 0.5, 0.999]))


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_no_adversary_makes_it_miss_too_often(calibration, asked):
    rule, alpha = made(*asked), asked[-1]
    missed = missed_at_most(rule, (EXACTLY - FEW_LOOKS) * alpha, hard_rates(rule, 40))
    calibration.tell({"missed at most": float(missed.max())})
    assert 0.5 * alpha < missed.max() <= EXACTLY * alpha


def test_limits_that_spare_half_as_much_again_fail_the_same_test(calibration):
    rule, alpha = made(*ASKED[0]), ASKED[0][-1]
    missed = missed_at_most(rule, 0.5 * alpha, hard_rates(rule, 40))
    calibration.tell({"missed": float(missed.max())})
    assert missed.max() > 1.1 * alpha


def left_by(design: FixedWidth, n: int, rates: np.ndarray) -> np.ndarray:
    """Return the chances that a design will miss from below, and from above, by true ones at n and rate."""
    p = rates[:, None]
    end = design.looks[-1]
    chance = np.zeros((2, len(rates), end + 1))
    for look in range(end, n - 1, -1):
        if look < end:
            chance = (1.0 - p) * chance[..., :-1] + p * chance[..., 1:]
        for ones in range(look + 1):
            if design.stops(look, ones):
                low, high = design.ends(look, ones)
                chance[:, :, ones] = rates < low, rates > high
    return chance.transpose(0, 2, 1)


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ((0.05, 300, 1, 0.05), Seen(150, 39, 47)),
        ((0.1, 400, 30, 0.2), Seen(29, 1, 2)),
        ((0.1, 200, 1, 0.01), Seen(87, 45, 48)),
        ((0.15, 300, 1, 0.001), Seen(48, 2, 3)),
        ((0.3, 40, 1, 0.3), Seen(2, 0, 1)),
    ],
    ids=str,
)
def test_they_miss_hardly_more_often_than_what_they_replace(calibration, asked, seen):
    """The step of the proof, for each number of ones that may be: exactly, without any number left out."""
    rule, alpha = made(*asked), asked[-1]
    design, spare = rule.few_looks, (EXACTLY - FEW_LOOKS) * alpha
    limits = planned(design, spare, rule.max_units, seen)
    ends = np.array([limits.ends(n, s, s) for n in limits.looks for s in range(n + 1)])
    lows = np.unique(ends[ends[:, 0] > 0.0, 0])
    lows = lows[:: max(1, len(lows) // 80)]
    rates = np.concatenate((lows - 1e-12, 1.0 - lows + 1e-12, np.linspace(0.001, 0.999, 40)))
    may_be = slice(seen.least, seen.most + 1)
    more = missed_by(limits, seen.n, rates)[may_be] - left_by(design, seen.n, rates)[:, may_be].sum(axis=0)
    calibration.tell({"of what is spared": float(more.max() / spare)})
    assert 0.0 < more.max() <= spare


def if_a_one(rule: EstimateRule, outcome: float, truth: float) -> bool:
    return outcome == 1.0 and rule.n % 5 == 0


def if_a_zero(rule: EstimateRule, outcome: float, truth: float) -> bool:
    return outcome == 0.0 and rule.n % 5 == 0


def when_it_would_end_and_cover(rule: EstimateRule, outcome: float, truth: float) -> bool:
    """He keeps it going while what is reported would cover, by what his side can spare."""
    n, (least, most) = rule.n + 1, rule.counts()
    ones = least + outcome
    if least == most and n <= rule.few_looks.looks[-1] and rule.few_looks.stops(n, ones):
        low, high = rule.few_looks.ends(n, ones)
        return low <= truth <= high
    return least < most and outcome == (0.0 if ones / n > truth else 1.0) and n % 3 == 0


def at_the_last_look(rule: EstimateRule, outcome: float, truth: float) -> bool:
    return rule.n + 1 in (rule.few_looks.looks[-1], rule.max_units)


ADVERSARIES: list[Callable[[EstimateRule, float, float], bool]] = [
    if_a_one,
    if_a_zero,
    when_it_would_end_and_cover,
    at_the_last_look,
]


@cache
def hard_rate() -> float:
    """Return a rate that is missed nearly as often as any, and at which many runs get to the last look."""
    rule = made(0.2, 90, 1, 0.2)
    rates = hard_rates(rule, 60)
    rates = rates[(rates > 0.25) & (rates < 0.75)]
    return float(rates[missed_at_most(rule, (EXACTLY - FEW_LOOKS) * rule.alpha, rates).argmax()])


@pytest.mark.parametrize("adversary", ADVERSARIES, ids=lambda adversary: adversary.__name__)
def test_the_rule_that_ships_against(calibration, adversary, monkeypatch):
    """1,500 runs at a rate that is missed nearly as often as any; none may end outside the exact bound."""
    alpha, n_runs = 0.2, 1_500
    monkeypatch.setattr(exact, "repeated_limits", planned)
    truth = hard_rate()
    ones = np.random.default_rng(21).random((n_runs, 90)) < truth
    missed = n_invalid = 0
    for path in ones.astype(float).tolist():
        rule = made(0.2, 90, 1, alpha)
        for outcome in path:
            invalid = adversary(rule, outcome, truth)
            n_invalid += invalid
            if rule.feed(*((0.0, 1.0) if invalid else (outcome, outcome))):
                break
        ends = rule.interval()
        missed += not ends.low <= truth <= ends.high
        if rule.measured:
            assert ends.high - ends.low <= 0.4 + 1e-8
    calibration.tell({"missed": missed / n_runs, "invalid": n_invalid / n_runs})
    assert n_invalid > n_runs / 20
    assert 0 < missed <= n_runs * alpha + 3 * math.sqrt(n_runs * alpha * (1 - alpha))
