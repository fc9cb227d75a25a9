"""Which of many models is best, beside a fixed n that knows the gap: calls of all models together."""

from __future__ import annotations

import numpy as np
from rankings import BEST, fixed_calls
from scipy.special import ndtri

from compared.habits import Floats
from compared.kinds import ALPHA, FIRST_LOOK, FIXED, OBSERVED, OURS, PEEKING, POWER, Cell, Kind, Law
from pytest_velo.stats.contest.simulation import simulate

MAX_ROUNDS = 20_000
EDGE_ROUNDS = 300
"""Where all models are equally good no ranking settles, so it is looked at for so long."""

EACH = 50
"""Trials of each model whose observed best wins."""

GAPS = ((10, 0.2), (10, 0.3), (30, 0.2), (30, 0.3))
"""Models, and how far all others are behind the best."""

RUNS = 10_000
"""Simulated runs of what is quick."""


def rankings(runs: int) -> Kind:
    """Play contests of 10 and 30 models."""
    cells = []
    for n_models, gap in GAPS:
        rates = [BEST, *[BEST - gap] * (n_models - 1)]
        ours = simulate(rates, alpha=ALPHA, max_rounds=MAX_ROUNDS, n_runs=runs, seed=1)
        alike = [BEST] * n_models  # the first is the best by a hair
        at_edge = simulate(alike, alpha=ALPHA, max_rounds=EDGE_ROUNDS, n_runs=runs, seed=2, to_the_end=True)
        fixed, rng = fixed_calls(rates), np.random.default_rng(3)
        looked = _peeked(rng, rates, runs)
        cell = Cell(
            claim=f"best of {n_models}",
            truth=f"others {gap:g} behind",
            least=fixed,
            laws={
                OURS: Law(
                    trials=float(ours.n_trials.mean()),
                    right=float((ours.settled & ~ours.left[:, 0]).mean()),
                ),
                FIXED: Law(trials=fixed, right=POWER),
                OBSERVED: Law(trials=EACH * n_models, right=1.0 - _lost(rng, rates, EACH)),
                PEEKING: Law(trials=looked[0], right=1.0 - looked[1]),
            },
            wrong={
                OURS: float(at_edge.left[:, 0].mean()),
                FIXED: _rejected(rng, alike, round(fixed / n_models)),
                OBSERVED: _lost(rng, alike, EACH),
                PEEKING: _peeked(rng, alike, runs)[1],
            },
        )
        cells.append(cell)
    return Kind(
        name="ranking()", least="the fixed n of all pairs (Bonferroni), gap known", runs=runs, cells=cells
    )


def _lost(rng: np.random.Generator, rates: list[float], n: int) -> float:
    """Return how often the first is not the observed best, where chance breaks ties."""
    scores = rng.binomial(n, rates, (RUNS, len(rates))) + rng.random((RUNS, len(rates)))
    return float((scores.argmax(axis=1) != 0).mean())


def _rejected(rng: np.random.Generator, rates: list[float], n: int) -> float:
    """Return how often the test of all pairs finds any other better than the first."""
    shares = rng.binomial(n, rates, (RUNS, len(rates))) / n
    n_pairs = len(rates) * (len(rates) - 1) / 2
    return float((_ahead(shares, n, shares[:, :1]) > -ndtri(ALPHA / 2 / n_pairs)).any(axis=1).mean())


def _ahead(shares: Floats, n: int, of: Floats) -> Floats:
    """Return by how many standard errors each share is ahead of another."""
    error = np.sqrt((shares * (1.0 - shares) + of * (1.0 - of)) / n)
    return np.asarray((shares - of) / np.maximum(error, 1e-9))


def _peeked(rng: np.random.Generator, rates: list[float], runs: int) -> tuple[float, float]:
    """Drop each model that is behind the leader by an interval of 95%, after every round from the tenth on.

    Returns:
        The mean calls until one is left, after 2,000 rounds at most, and how often the first was dropped.
    """
    p = np.asarray(rates)
    calls, dropped = 0, 0
    z = -ndtri(ALPHA / 2)
    for _ in range(runs):
        ones, in_play = np.zeros(len(p)), np.ones(len(p), dtype=bool)
        for n in range(1, 2_001):
            calls += int(in_play.sum())
            ones[in_play] += rng.random(int(in_play.sum())) < p[in_play]
            if n < FIRST_LOOK:
                continue
            shares = ones / n
            leader = float(shares[in_play].max())
            error = np.sqrt((shares * (1.0 - shares) + leader * (1.0 - leader)) / n)
            in_play &= leader - shares <= z * error
            if in_play.sum() == 1:
                break
        dropped += not in_play[0]
    return calls / runs, dropped / runs
