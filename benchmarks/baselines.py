"""How many trials a comparison with a stored baseline takes, by margin, rate and how alike the answers are.

Run with ``python benchmarks/baselines.py``. For `rate >= baseline - margin` with alpha = beta = 0.05, a
baseline and a comparison of n trials each, over new cases: the smallest n at which the right verdict comes in
at least 80% of runs both when nothing changed and when twice the margin was lost. "Agreement" is how often a
case comes out the same in two samples of the same thing. What was lost is lost on cases at random.

2,000 simulated runs a cell, by the shipped engine (`stats.limits.mean.log_evidence`, of which the tests
show that it is that of the rule); n is rounded up to fifty. ``tests/calibration/test_baseline_design.py``
holds a part of it against runs through units, file and rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from measuring import machine, print_table

from pytest_velo.stats.limits.mean import log_evidence

ALPHA = 0.05
RUNS = 2_000
BATCH = 500
WANTED = 0.8
MARGINS = {0.05: 3_000, 0.1: 1_000, 0.15: 500}
"""Each margin with the most trials that are tried."""
SITUATIONS = (
    (0.5, 0.7),
    (0.5, 0.8),
    (0.5, 0.9),
    (0.8, 0.7),
    (0.8, 0.8),
    (0.8, 0.9),
    (0.9, 0.85),
    (0.95, 0.92),
)
"""Rate and agreement. A rate of .95 cannot have less than .9 of it, one of .9 not less than .8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """How pairs of outcomes, now and then, come out: P(now only), P(then only)."""

    gained: float
    lost: float


def pairs(rate: float, agreement: float, loss: float) -> Pairs:
    """Return the law of the pairs when a part of what came out 1 is lost, on cases at random.

    >>> pairs(0.8, 0.8, 0.0)
    Pairs(gained=0.1, lost=0.1)
    """
    apart = (1.0 - agreement) / 2.0
    kept = 1.0 - loss / rate
    return Pairs(gained=round(apart * kept, 9), lost=round(apart + (rate - apart) * (1.0 - kept), 9))


def units_to_verdict(
    law: Pairs, margin: float, most: int, *, right: int, seed: int = 0
) -> npt.NDArray[np.intp]:
    """Return, sorted, the trials that each run takes to the right verdict; beyond `most` where it has none.

    Args:
        law: Of the pairs.
        margin: Of the claim.
        most: Trials of a run.
        right: +1 when the claim is true, -1 when it is false.
        seed: Of the runs.
    """
    rng = np.random.default_rng(seed)
    never = most + 1
    found = []
    for _ in range(RUNS // BATCH):
        chances = [law.gained, law.lost, 1.0 - law.gained - law.lost]
        paths = rng.choice([1.0, 0.0, 0.5], (BATCH, most), p=chances)
        first = {}
        for side in (1, -1):
            crossed = log_evidence(paths, [(1.0 - margin) / 2.0], side) >= math.log(1.0 / ALPHA)
            first[side] = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, never)
        found.append(np.where(first[right] < first[-right], first[right], never))
    return np.sort(np.concatenate(found))


def needed(rate: float, agreement: float, margin: float) -> tuple[int, int] | None:
    """Return n, as above, and the mean trials when nothing changed; None beyond what is tried."""
    most = MARGINS[margin]
    same = units_to_verdict(pairs(rate, agreement, 0.0), margin, most, right=1)
    worse = units_to_verdict(pairs(rate, agreement, 2 * margin), margin, most, right=-1)
    n = max(int(units[math.ceil(WANTED * RUNS) - 1]) for units in (same, worse))
    if n > most:
        return None
    rounded = 50 * math.ceil(n / 50)
    return rounded, round(float(np.minimum(same, rounded).mean()))


def main() -> None:
    """Print the table."""
    rows = []
    for rate, agreement in SITUATIONS:
        cells = [needed(rate, agreement, margin) for margin in MARGINS]
        texts = ["more" if cell is None else f"{cell[0]:,} ({cell[1]:,})" for cell in cells]
        rows.append([f"{rate:g}", f"{agreement:.0%}", *texts])
    print_table(
        "Trials for the right verdict in 80% of runs, with no loss and with twice the margin lost\n"
        f"(in brackets: mean trials with no loss); {RUNS:,} runs a cell\n{machine('numpy')}",
        ["rate", "agreement", *(f"margin {margin:g}" for margin in MARGINS)],
        rows,
    )


if __name__ == "__main__":
    main()
