"""Claims about means of scores and about paired differences, simulated through the rules that ship."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
from bounded_means import CASES, Case, levels, outcomes
from scipy.special import ndtri

from compared.following import Followed, Unit, followed, laws_of, wrong_of
from compared.habits import Floats, fixed_mean, peeked_means
from compared.kinds import (
    ALPHA,
    FIXED,
    MAX_TRIALS,
    OBSERVED,
    PEEKING,
    POWER,
    SHARE_OF,
    Cell,
    Kind,
    Law,
)
from pytest_velo.claims import Claim, difference, mean
from pytest_velo.verdicts import Verdict

KL_INF = "log(1/alpha) / KL_inf"
PATHS = 2_000
"""Simulated runs of the usual ways, which are quick."""

ClaimAt = Callable[[float], Claim]
"""Makes a claim from its threshold on the scale [0, 1]."""


def scores(runs: int) -> Kind:
    """Feed the rules of means with the scores of `bounded_means.py`."""
    cells = [_cell(_mean_above if case.side > 0 else _mean_below, case, runs) for case in CASES]
    return Kind(name="mean(0, 1) >= t", least=KL_INF, runs=runs, cells=cells)


def differences(runs: int) -> Kind:
    """Feed the rules of paired differences with pairs of 0/1 outcomes."""
    cells = [_cell(_difference, levels("pairs", (1.0 + delta) / 2, law), runs) for delta, law in DIFFERENCES]
    return Kind(name='difference("a", "b") >= d', least=KL_INF, runs=runs, cells=cells)


def pairs(a: float, b: float, both: float) -> dict[float, float]:
    """Return the law of (x - y + 1) / 2 for pairs of 0/1 outcomes, of which `both` come out 1 twice."""
    return {0.0: b - both, 0.5: 1.0 - a - b + 2 * both, 1.0: a - both}


DIFFERENCES: tuple[tuple[float, dict[float, float]], ...] = (
    (0.0, pairs(0.7, 0.6, 0.45)),
    (0.0, pairs(0.7, 0.5, 0.4)),
    (0.1, pairs(0.7, 0.4, 0.3)),
    (-0.1, pairs(0.6, 0.6, 0.5)),
    (-0.05, pairs(0.8, 0.75, 0.7)),
)
"""Differences that are claimed (at least), and the law of the pairs."""


def _mean_above(threshold: float) -> Claim:
    return mean(0, 1) >= threshold


def _mean_below(threshold: float) -> Claim:
    return mean(0, 1) <= threshold


def _difference(threshold: float) -> Claim:
    return difference("a", "b") >= 2.0 * threshold - 1.0


def _cell(claim_at: ClaimAt, case: Case, runs: int) -> Cell:
    rng = np.random.default_rng(1)
    centre, variance = moments(case)
    paths = _paths(case, rng)
    upward = 1.0 if case.side > 0 else -1.0
    at_edge, true = peeked_means(paths, centre), peeked_means(paths, case.threshold)
    n = fixed_mean(variance, centre - case.threshold)
    shares = _means(case, SHARE_OF, rng)
    laws = laws_of(_runs(claim_at, case, runs), Verdict.SUPPORTED)
    laws[FIXED] = Law(trials=n, right=POWER)
    laws[OBSERVED] = Law(trials=SHARE_OF, right=float((upward * (shares - case.threshold) >= -1e-9).mean()))
    laws[PEEKING] = Law(trials=true.trials, right=true.supported if upward > 0 else true.refuted)
    wrong = wrong_of(_runs(claim_at, replace(case, threshold=centre), runs))
    score = upward * (_means(case, n, rng) - centre) / math.sqrt(variance / n)
    reached = float((upward * (shares - centre) >= -1e-9).mean())
    wrong[FIXED] = float((score > ndtri(1.0 - ALPHA)).mean())
    wrong[OBSERVED] = max(reached, 1.0 - reached)
    wrong[PEEKING] = max(at_edge.supported, at_edge.refuted)
    return Cell(
        claim=str(claim_at(case.threshold)), truth=case.name, least=case.bound(), laws=laws, wrong=wrong
    )


def _runs(claim_at: ClaimAt, case: Case, runs: int) -> list[Followed]:
    claim = claim_at(case.threshold)
    return [
        followed(claim, (Unit(value=value) for value in islice(outcomes(case, seed), MAX_TRIALS)))
        for seed in range(runs)
    ]


def moments(case: Case) -> tuple[float, float]:
    """Return the mean and the variance of a case's units."""
    values, weights = np.array(case.values), np.array(case.weights)
    centre = float(values @ weights)
    return centre, float(values**2 @ weights) - centre**2


def _paths(case: Case, rng: np.random.Generator) -> Floats:
    return np.asarray(rng.choice(case.values, (PATHS, MAX_TRIALS), p=_shares(case)))


def _means(case: Case, n: int, rng: np.random.Generator) -> Floats:
    """Return the means of n units, of as many runs."""
    return np.asarray(rng.multinomial(n, _shares(case), PATHS) @ np.array(case.values) / n)


def _shares(case: Case) -> Floats:
    weights = np.array(case.weights)
    return np.asarray(weights / weights.sum())
