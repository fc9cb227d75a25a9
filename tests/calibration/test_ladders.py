"""Ladders keep their error: at most alpha over all rungs, and beta where the claim is true on one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from pytest_velo.designing.rungs import frame_on
from pytest_velo.elicit import best_of, ladder, zero_shot
from pytest_velo.runner.frame import Frame
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold

ALPHA = BETA = 0.05
HORIZON = 100
NULL = 0.5
N_RUNS = 20_000
MOST = float(binom.ppf(0.998, N_RUNS, ALPHA)) / N_RUNS
"""What a true error of alpha shows in so many runs with 998 seeds of 1,000: 0.0545."""

RUNGS = [
    zero_shot(prior=0.05),
    best_of(2, prior=0.1),
    best_of(4, prior=0.1),
    best_of(8, prior=0.2),
    best_of(16, prior=0.2),
    best_of(32, prior=0.35),
]
LADDERS = {
    "equal": ladder(RUNGS),
    "by priors": ladder(RUNGS, alpha="prior", order="prior"),
    "two skipped": ladder([*RUNGS, zero_shot(name="a", skip="why"), best_of(64, skip="why")]),
}


def designs(which: str) -> list[Design]:
    """Return the designs of a ladder's rungs, in the order of the climb, as a test gets them."""
    design = Design(alpha=ALPHA, beta=BETA, max_units=HORIZON)
    whole = Frame(design=design, max_trials=HORIZON, trials=lambda: iter(()))
    return [frame_on(step, whole).design for step in LADDERS[which].steps(Path())]


def bars(side: int, level: float) -> np.ndarray:
    """Return for each n the ones that reach the shipped threshold: at least so many, or at most."""
    bar = calibrated_log_threshold(NULL, side, level, HORIZON)
    found = np.full(HORIZON + 1, HORIZON + 1 if side > 0 else -1)
    for n in range(1, HORIZON + 1):
        reaching = [s for s in range(n + 1) if log_e_counts(n, s, NULL, side) >= bar]
        if reaching:
            found[n] = min(reaching) if side > 0 else max(reaching)
    return found


def verdicts(design: Design, ones: np.ndarray) -> np.ndarray:
    """Return 1 for supported, -1 for refuted, 0 for neither: what is reached first, in each run."""
    n = np.arange(1, HORIZON + 1)
    up = ones >= bars(1, design.alpha)[n]
    down = ones <= bars(-1, design.beta)[n]
    first_up = np.where(up.any(axis=1), up.argmax(axis=1), HORIZON)
    first_down = np.where(down.any(axis=1), down.argmax(axis=1), HORIZON)
    return np.where(first_up < first_down, 1, np.where(first_down < first_up, -1, 0))


def climbs(
    levels: list[Design], rates: list[float], rng: np.random.Generator, *, shared: bool
) -> tuple[float, float]:
    """Return how often ladders are supported and refuted; with `shared`, all rungs see the same draws."""
    supported = np.zeros(N_RUNS, dtype=bool)
    refuted = np.ones(N_RUNS, dtype=bool)
    uniform = rng.random((N_RUNS, HORIZON))
    for design, rate in zip(levels, rates, strict=True):
        drawn = uniform if shared else rng.random((N_RUNS, HORIZON))
        came = verdicts(design, (drawn < rate).cumsum(axis=1))
        supported |= came == 1  # a ladder ends there: what later rungs would say changes nothing
        refuted &= came == -1
    return float(supported.mean()), float((refuted & ~supported).mean())


@pytest.mark.parametrize("which", LADDERS)
def test_six_rungs_at_the_null_are_supported_at_most_alpha_of_the_time(which):
    levels = designs(which)
    assert len(levels) == 6
    assert sum(design.alpha for design in levels) == pytest.approx(ALPHA)

    apart, _ = climbs(levels, [NULL] * 6, np.random.default_rng(1), shared=False)
    together, _ = climbs(levels, [NULL] * 6, np.random.default_rng(2), shared=True)

    assert together <= MOST
    assert ALPHA / 2 < apart <= MOST  # and it is worth having: the shares are not wasted


def test_a_whole_alpha_for_each_rung_would_not_do():
    whole = [Design(alpha=ALPHA, beta=BETA, max_units=HORIZON)] * 6
    apart, _ = climbs(whole, [NULL] * 6, np.random.default_rng(3), shared=False)
    assert apart > 3 * MOST


def test_a_ladder_with_a_true_rung_is_refuted_at_most_beta_of_the_time_with_the_whole_beta_for_each():
    levels = designs("equal")
    assert {design.beta for design in levels} == {BETA}
    for place in (0, 5):
        rates = [0.2] * 6
        rates[place] = NULL  # the claim's edge, where it is still true
        _, refuted = climbs(levels, rates, np.random.default_rng(4 + place), shared=False)
        assert refuted <= MOST
    _, all_false = climbs(levels, [0.2] * 6, np.random.default_rng(9), shared=False)
    assert all_false > 0.9
