"""Labels that a verdict about the truth needs, with a judge of every trial and without one.

    python benchmarks/truth.py

A label is given to one trial in `EVERY`, and a judge agrees with the labels in a share of the trials, as
often for a yes as for a no. "Alone" is the calibrated rule for 0/1 outcomes, on the labels and nothing else.
The limit is what no method passes with this judge and small distances, if the mean of what it says were
known: 1 - rho^2.
"""

from __future__ import annotations

import numpy as np
from covariates import first_crossings

from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.blocks import CENTRING
from pytest_velo.stats.engine.mixture import Side, bets
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold
from pytest_velo.stats.limits.blocks import centres_of
from pytest_velo.stats.limits.centred import centred_log_evidence

ALPHA, EVERY, N_RUNS = 0.05, 20, 400
AGREEMENTS = (0.0, 0.07, 0.5, 0.75, 0.85, 0.93, 1.0)
CLAIMS = ((0.5, 0.45, 1_600), (0.5, 0.4, 600), (0.3, 0.2, 500), (0.1, 0.2, 400))
"""True rate, threshold, and the most labels."""


def mixture_evidence(outcomes: Floats, threshold: float, side: Side) -> Floats:
    """Return the log evidence of the engine for 0/1 outcomes, after each."""
    ones = np.cumsum(outcomes, axis=1)
    zeros = np.arange(1, outcomes.shape[1] + 1) - ones
    fortunes = []
    for bet in bets(threshold, side):
        gains = [np.log(max(1.0 + bet * (outcome - threshold), 1e-12)) for outcome in (1.0, 0.0)]
        fortunes.append(ones * gains[0] + zeros * gains[1])
    return np.asarray(np.logaddexp.reduce(fortunes, axis=0) - np.log(len(fortunes)))


def needed(
    rng: np.random.Generator, truth: float, threshold: float, most: int, agreement: float
) -> tuple[float, float, float]:
    """Return the limit, and the mean labels alone and with the judge."""
    side: Side = 1 if truth > threshold else -1
    true = (rng.random((N_RUNS, most)) < truth).astype(float)
    judged = np.where(rng.random(true.shape) < agreement, true, 1.0 - true)
    says_yes = truth * agreement + (1.0 - truth) * (1.0 - agreement)
    means = (judged + rng.binomial(EVERY - 1, says_yes, true.shape)) / EVERY
    centres, ends = centres_of(judged, means)
    evidence = centred_log_evidence(true, centres, [threshold], side, CENTRING, ends)
    exact = calibrated_log_threshold(threshold, side, ALPHA, most)
    alone = first_crossings(mixture_evidence(true, threshold, side), exact)
    squared = float(np.corrcoef(true.ravel(), judged.ravel())[0, 1] ** 2)
    return 1.0 - squared, float(alone.mean()), float(first_crossings(evidence, np.log(1.0 / ALPHA)).mean())


def main() -> None:
    """Run the benchmark."""
    rng = np.random.default_rng(1)
    for truth, threshold, most in CLAIMS:
        print(f"\na true rate of {truth:g} against {threshold:g}, one trial in {EVERY} labelled")
        print("| agreement | labels alone | with the judge | share | limit |")
        print("| --- | --- | --- | --- | --- |")
        for agreement in AGREEMENTS:
            limit, alone, ours = needed(rng, truth, threshold, most, agreement)
            print(f"| {agreement:.0%} | {alone:.0f} | {ours:.0f} | {ours / alone:.2f} | {limit:.2f} |")


if __name__ == "__main__":
    main()
