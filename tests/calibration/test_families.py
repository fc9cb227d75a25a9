"""The p-values that Holm's steps need are valid at any stopping, and families keep their error rates."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from pytest_velo.claims import rate
from pytest_velo.records import Family, HypothesisResult, Outcome
from pytest_velo.runner.holm import settle
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold, crossing_probability
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict
from support.members import NO_EVIDENCE, UNDECIDED

LEVELS = (0.005, 0.01, 0.025, 0.05)
ROUNDING = 1e-12
ALPHA = 0.05
N_RUNS = 20_000
MOST = float(binom.ppf(0.998, N_RUNS, ALPHA)) / N_RUNS
"""What a true error of alpha shows in so many runs with 998 seeds of 1,000: 0.0545."""


@cache
def p_table(threshold: float, side: int, horizon: int) -> np.ndarray:
    """Return the p-value of the evidence after n units, s of them ones, at [n, s]; 1 where s > n."""
    counts = [(n, s) for n in range(1, horizon + 1) for s in range(n + 1)]
    logs = [log_e_counts(n, s, threshold, side) for n, s in counts]
    table = np.ones((horizon + 1, horizon + 1))
    values = crossing_probability(threshold, threshold, np.array(logs) - 1e-9, side, horizon)
    table[tuple(np.array(counts).T)] = values
    return table


def reached(table: np.ndarray, stops: np.ndarray, true_rate: float, level: float) -> float:
    """Return P(a p-value of at most `level` is ever seen), sampling until `stops`, exactly."""
    horizon = len(table) - 1
    mass, seen = np.zeros(horizon + 2), 0.0
    mass[0] = 1.0
    for n in range(1, horizon + 1):
        risen = mass[:-1] * true_rate
        mass *= 1.0 - true_rate
        mass[1:] += risen
        found = table[n] <= level
        seen += mass[:-1][found].sum()
        mass[:-1][found | stops[n]] = 0.0
    return seen


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("size", [1, 5])
def test_p_at_any_stopping_is_valid_whatever_level_sets_the_stop(threshold, side, size):
    """P(p <= x) <= x at the null's edge, if sampling stops at alpha/m on either side, or goes on."""
    horizon = 100
    own, other = p_table(threshold, side, horizon), p_table(threshold, -side, horizon)
    never = np.zeros_like(own, dtype=bool)
    at_own_level = (own <= ALPHA / size) | (other <= ALPHA / size)
    for level in LEVELS:
        to_the_end = reached(own, never, threshold, level)
        stopped = reached(own, at_own_level, threshold, level)
        assert stopped <= to_the_end <= level + ROUNDING
        assert to_the_end > level / 2  # and it is worth having
    # The same numbers stop the rule itself: p is at most the level if and only if the threshold is reached.
    bar = calibrated_log_threshold(threshold, side, ALPHA / size, horizon)
    for n in (20, 60, 100):
        crosses = [log_e_counts(n, s, threshold, side) >= bar for s in range(n + 1)]
        assert crosses == [bool(p <= ALPHA / size) for p in own[n, : n + 1]]


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_p_of_the_shipped_rule_is_valid_over_every_path(threshold):
    """Every path of nine units through the shipped rule, its p-values read at every unit of the way."""
    horizon = 9
    lowest: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 1.0)}
    ends: list[tuple[int, ...]] = []
    open_paths: list[tuple[int, ...]] = [()]
    while open_paths:
        prefix = open_paths.pop()
        for outcome in (0, 1):
            path = (*prefix, outcome)
            rule = make_rate_rule(rate >= threshold, Design(alpha=0.01, beta=0.01, max_units=horizon))
            for unit in path:
                rule.feed(unit, unit)
            p_values = rule.evidence_bounds()[:2]
            lowest[path] = tuple(map(min, lowest[prefix], p_values))
            (ends if rule.verdict or len(path) == horizon else open_paths).append(path)
    chance = {path: threshold ** sum(path) * (1 - threshold) ** (len(path) - sum(path)) for path in ends}
    assert sum(chance.values()) == pytest.approx(1.0)
    for level in LEVELS:
        for kind in (0, 1):
            assert sum(chance[path] for path in ends if lowest[path][kind] <= level) <= level + ROUNDING
    assert min(lowest[path][0] for path in ends) <= 0.01  # some path gets there


def ended(outcome: Outcome, p_support: float, p_refute: float, size: int) -> HypothesisResult:
    """Return a member that was sampled to its end."""
    evidence = replace(NO_EVIDENCE, p_support=p_support, p_refute=p_refute)
    decision = replace(UNDECIDED, verdict=Verdict(outcome.value), evidence=evidence)
    return replace(_MEMBER, outcome=outcome, decision=decision, family=replace(_FAMILY, size=size))


_FAMILY = Family(name="f", size=5, alpha=ALPHA, beta=ALPHA)
_MEMBER = HypothesisResult(node_id="t", belief="", claim="", scope="", outcome=Outcome.INCONCLUSIVE)


def sampled(
    rates: list[float], threshold: float, level: float, horizon: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sample a family of `rate >= threshold` from shared draws, each member until its own stop at `level`.

    Returns:
        For each member its two p-values where it stopped, one of each a run.
    """
    draws = np.random.default_rng(seed).random((N_RUNS, horizon))
    p_up, p_down = p_table(threshold, 1, horizon), p_table(threshold, -1, horizon)
    n = np.arange(1, horizon + 1)
    members = []
    for number, true_rate in enumerate(rates):
        # One draw feeds all members: each finds another part of it to be a 1.
        ones = np.cumsum((draws + number / len(rates)) % 1.0 < true_rate, axis=1)
        support = np.minimum.accumulate(p_up[n, ones], axis=1)
        refute = np.minimum.accumulate(p_down[n, ones], axis=1)
        decided = (support <= level) | (refute <= level)
        stop = np.where(decided.any(axis=1), decided.argmax(axis=1), horizon - 1)
        runs = np.arange(N_RUNS)
        members.append((support[runs, stop], refute[runs, stop]))
    return members


def outcome_at(p_support: float, p_refute: float, level: float) -> Outcome:
    if p_support <= level:
        return Outcome.SUPPORTED
    return Outcome.REFUTED if p_refute <= level else Outcome.INCONCLUSIVE


def any_wrong(rates: list[float], threshold: float, *, holm: bool) -> dict[str, float]:
    """Return how often any member at the edge is supported, any is refuted, and the steps decided any."""
    size = len(rates)
    level = ALPHA / size if holm else ALPHA
    members = sampled(rates, threshold, level, horizon=60, seed=20261123)
    at_edge = [number for number, true_rate in enumerate(rates) if true_rate == threshold]
    counts = {"supported": 0, "refuted": 0, "by_steps": 0}
    for run in range(N_RUNS):
        p_values = [(float(support[run]), float(refute[run])) for support, refute in members]
        results = [ended(outcome_at(*pair, level), *pair, size) for pair in p_values]
        if holm:
            results = settle(results)
        outcomes = [results[number].outcome for number in at_edge]
        counts["supported"] += Outcome.SUPPORTED in outcomes
        counts["refuted"] += Outcome.REFUTED in outcomes
        counts["by_steps"] += any(result.family.by_steps for result in results)
    return {kind: n / N_RUNS for kind, n in counts.items()}


@pytest.mark.parametrize("rates", [[0.3] * 5, [0.5, 0.5, 0.5, 0.3, 0.3], [0.1, 0.1, 0.1, 0.3, 0.3]], ids=str)
def test_a_family_that_shares_its_draws_keeps_alpha_under_holm_and_not_without(rates):
    alone, together = (any_wrong(rates, 0.3, holm=holm) for holm in (False, True))
    for kind in ("supported", "refuted"):
        assert together[kind] <= MOST
        assert alone[kind] > 1.2 * MOST
    assert together["by_steps"] > 0
