"""What the vectors of `reference/evidence.json` are about; run it to write the file again.

PYTHONPATH=tests python -m support.evidence_cases
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from support.evidence import Inputs, coin_bar, coin_crossing, expected, fewest_heads

FILE = Path(__file__).parents[1] / "reference" / "evidence.json"

NOTE = (
    "The rules of bounded means, differences and discordant pairs, by tests/support/evidence.py, which shares"
    " no code with the package. A row of `path` is n, log evidence for, log evidence against, p of support, p"
    " of refutation, wherever a p-value may change and at the end. Evidence and p-values hold to 1e-9; an"
    " interval's ends may lie outside those here by 1e-5 of the scale, never inside."
)
DESIGN = [
    "Means and differences other than 0 are bet on by eight bettors that adapt to the variance seen, not by"
    " the twelve fixed ones, which are for 0/1 outcomes and coins.",
    "Each calibrated bar is computed alone, as if the other test never ended the run.",
    "`min_trials` delays a verdict only: a test that has rejected stays so, and no bar gets lower by it.",
]


def draws(seed: int, n: int, *chances: float) -> list[int]:
    """Return n numbers of 0, 1, ... with these chances, 0 with what is left."""
    p = [1.0 - sum(chances), *chances]
    return [int(i) for i in np.random.default_rng(seed).choice(len(p), n, p=p)]


def pairs(seed: int, n: int, up: float, down: float) -> list[list[float]]:
    """Return n pairs of 0/1 outcomes, a share of which differs either way."""
    kinds = [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    agree = 1.0 - up - down
    return [kinds[i] for i in draws(seed, n, up, down, agree / 2)]


def with_invalid(outcomes: list[Any], every: int, invalid: Any = None) -> list[Any]:
    """Return them with each so-manieth replaced by an invalid one."""
    return [invalid if i % every == every - 1 else outcome for i, outcome in enumerate(outcomes)]


def scores(seed: int, n: int, a: float, b: float) -> list[float]:
    """Return n beta-distributed scores of three digits."""
    return [round(float(x), 3) for x in np.random.default_rng(seed).beta(a, b, n)]


def inputs() -> dict[str, Inputs]:
    """Return the situations, by name."""
    thirds = [[0.0, 1 / 3, 2 / 3, 1.0][i] for i in draws(1, 120, 0.2, 0.3, 0.3)]
    tenths = [0.1 * i for i in draws(2, 90, *[0.09] * 10)]
    close = [[a, b] for a, b in zip(scores(3, 120, 6, 2), scores(4, 120, 5, 2), strict=True)]
    far = [[a, b] for a, b in zip(scores(5, 80, 7, 2), scores(6, 80, 2, 4), strict=True)]
    ties = [[0.3, 0.3]] * 50
    return {
        "mean-scores": Inputs("scores above the threshold", ">=", 0.6, scores(7, 150, 5, 2)),
        "mean-scores-below": Inputs("scores below the threshold", ">=", 0.75, scores(8, 150, 3, 2)),
        "mean-at-most": Inputs("an upper bound holds", "<=", 0.8, scores(9, 150, 3, 3)),
        "mean-undecided": Inputs(
            "nothing is told by the end", ">=", 0.5, scores(10, 60, 2, 2), max_trials=60
        ),
        "mean-thirds": Inputs("scores with no exact float", ">=", 0.5, thirds),
        "mean-tenths": Inputs("steps of 0.1", "<=", 0.1 + 0.2, tenths),
        "mean-own-scale": Inputs(
            "scores of 1 to 5",
            ">=",
            3.3,
            [float(1 + i) for i in draws(11, 120, 0.1, 0.2, 0.4, 0.25)],
            1.0,
            5.0,
        ),
        "mean-all-zero": Inputs("all 0", ">=", 0.3, [0.0] * 40),
        "mean-all-one": Inputs("all 1", ">=", 0.7, [1.0] * 40),
        "mean-constant": Inputs("constant, beyond the threshold", ">=", 0.6, [0.64] * 120),
        "mean-on-the-threshold": Inputs("constant, on the threshold", ">=", 0.4, [0.4] * 50, max_trials=50),
        "mean-alternating": Inputs("0 and 1 in turn", ">=", 0.45, [0.0, 1.0] * 50, max_trials=100),
        "mean-near-zero": Inputs("a threshold near 0", "<=", 0.01, [0.0] * 150),
        "mean-near-zero-refuted": Inputs("a threshold near 0, missed", "<=", 0.001, [0.02, 0.0] * 30),
        "mean-near-one": Inputs("a threshold near 1", ">=", 0.999, [1.0, 0.97] * 30),
        "mean-near-one-all": Inputs("a threshold near 1, all 1", ">=", 0.98, [1.0] * 170),
        "mean-invalid": Inputs(
            "invalid ones count either way", ">=", 0.5, with_invalid(scores(12, 200, 6, 2), 9)
        ),
        "mean-only-invalid": Inputs("nothing valid", ">=", 0.5, [None] * 30, max_trials=30),
        "mean-margin": Inputs("a margin", ">=", 0.7, scores(13, 120, 6, 3), margin=0.1),
        "mean-both-by-the-first-look": Inputs(
            "both tests have rejected by the first look, across a margin",
            ">=",
            0.6,
            [0.5] * 150,
            margin=0.18,
            min_trials=80,
        ),
        "mean-min-trials": Inputs(
            "a start that rejects, then the opposite", ">=", 0.5, [1.0] * 8 + [0.0] * 32, min_trials=30
        ),
        "mean-levels": Inputs(
            "alpha and beta differ", ">=", 0.5, scores(14, 100, 4, 3), alpha=0.01, beta=0.2
        ),
        "mean-drift": Inputs(
            "all 0, then all 1", "<=", 0.99, [0.0] * 3 + [1.0] * 90, alpha=0.001, beta=0.001
        ),
        "difference-scores": Inputs("scores, no difference claimed", ">=", 0.0, close),
        "difference-scores-far": Inputs("scores, 0.2 claimed", ">=", 0.2, far),
        "difference-scores-ten": Inputs(
            "scores of 0 to 10", "<=", 1.0, [[10 * a, 10 * b] for a, b in close], 0.0, 10.0
        ),
        "difference-ties": Inputs("scores that never differ", ">=", -0.2, ties),
        "difference-invalid": Inputs(
            "an invalid arm", ">=", 0.1, with_invalid(with_invalid(far, 7, [None, 0.5]), 11, [0.5, None])
        ),
        "difference-rate-claimed": Inputs(
            "0/1, 0.1 claimed", ">=", 0.1, pairs(15, 120, 0.5, 0.05), binary=True
        ),
        "difference-not-worse": Inputs(
            "0/1, no worse by 0.2: the mean supports, the tosses refute",
            ">=",
            0.0,
            pairs(16, 120, 0.15, 0.1),
            binary=True,
            margin=0.2,
            max_trials=120,
        ),
        "difference-worse": Inputs(
            "0/1, worse: the tosses refute",
            ">=",
            0.0,
            pairs(17, 120, 0.05, 0.3),
            binary=True,
            max_trials=120,
            margin=0.3,
        ),
        "tosses-better": Inputs(
            "0/1, better", ">=", 0.0, pairs(18, 120, 0.4, 0.1), binary=True, max_trials=120
        ),
        "tosses-not-better": Inputs(
            "0/1, worse", ">=", 0.0, pairs(19, 120, 0.1, 0.4), binary=True, max_trials=120
        ),
        "tosses-at-most": Inputs(
            "0/1, at most 0", "<=", 0.0, pairs(20, 90, 0.05, 0.4), binary=True, max_trials=120
        ),
        "tosses-undecided": Inputs(
            "0/1, alike", ">=", 0.0, pairs(21, 60, 0.2, 0.2), binary=True, max_trials=60
        ),
        "tosses-none": Inputs("no pair differs", ">=", 0.0, [[1.0, 1.0]] * 60, binary=True, max_trials=60),
        "tosses-all": Inputs(
            "all pairs differ one way", ">=", 0.0, [[1.0, 0.0]] * 30, binary=True, max_trials=60
        ),
        "tosses-in-turn": Inputs(
            "pairs differ in turn", ">=", 0.0, [[1.0, 0.0], [0.0, 1.0]] * 30, binary=True, max_trials=60
        ),
        "tosses-invalid": Inputs(
            "an invalid arm counts against either test",
            ">=",
            0.0,
            with_invalid(with_invalid(pairs(22, 120, 0.5, 0.02), 8, [None, 1.0]), 13, [None, None]),
            binary=True,
            max_trials=120,
        ),
        "tosses-min-trials": Inputs(
            "decided before the first look",
            ">=",
            0.0,
            [[1.0, 0.0]] * 15 + [[1.0, 1.0]] * 25,
            binary=True,
            min_trials=40,
            max_trials=120,
        ),
        "tosses-out-of-reach": Inputs(
            "too few pairs for the level", ">=", 0.0, [[1.0, 0.0]] * 4, binary=True, max_trials=4
        ),
        "tosses-levels": Inputs(
            "alpha and beta differ",
            ">=",
            0.0,
            pairs(23, 100, 0.1, 0.3),
            binary=True,
            alpha=0.01,
            beta=0.1,
            max_trials=120,
        ),
    }


def coins() -> list[dict[str, Any]]:
    """Return where a fair coin is rejected, toss by toss, and how often that happens to one."""
    levels = {4: [0.05], 5: [0.05], 7: [0.2], 60: [0.05], 120: [0.1, 0.05, 0.01, 0.001], 200: [0.05]}
    return [
        {
            "level": level,
            "max_tosses": horizon,
            "fewest_heads": fewest_heads(level, horizon),
            "error": float(coin_crossing(coin_bar(level, horizon), horizon)),
        }
        for horizon, of_it in levels.items()
        for level in of_it
    ]


def write() -> None:
    """Write the file, a case to a line."""
    cases = [
        json.dumps({"id": name, "inputs": given._asdict(), "expected": expected(given)})
        for name, given in inputs().items()
    ]
    lines = ",\n  ".join(cases)
    tosses = ",\n  ".join(json.dumps(coin) for coin in coins())
    notes = f'"note": {json.dumps(NOTE)},\n "rules": {json.dumps(DESIGN)}'
    FILE.write_text(f'{{\n {notes},\n "coins": [\n  {tosses}\n ],\n "cases": [\n  {lines}\n ]\n}}\n')


if __name__ == "__main__":
    write()
