"""Exact crossing probabilities of the engine on 0/1 outcomes, and thresholds calibrated with them.

Ville's threshold 1/level holds for every bounded outcome and without a horizon. Independent 0/1 trials with a
fixed horizon allow a smaller one: the probability that E reaches it within the horizon, at the null's edge,
is computed exactly by dynamic programming over (n, successes), and the smallest threshold that keeps it at or
below the level is used. E rises with every success (side +1), so the probability rises with the true rate and
the null's edge is its worst case.

**Each side is calibrated alone**, as if the other side never stopped the sampling. If each side counted on
the other to stop, the thresholds could be slightly lower. But under ``invalid="bound"`` the two sides see
different sequences: invalid trials can hold one side back indefinitely, and a threshold that relied on that
side to stop would then exceed its level. Calibrated alone, a threshold depends only on (edge, side, level,
horizon, first look).

Side -1 is side +1 with outcomes x -> 1 - x and rates t -> 1 - t. Loaded on use: it needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.arrays import Floats as Floats
from pytest_velo.stats.engine.mixture import Side, log_e_counts
from pytest_velo.stats.exact.boundary import RUINED as RUINED
from pytest_velo.stats.exact.boundary import Stretch, evidence_between, gains_at
from pytest_velo.stats.exact.boundary import log_gains as log_gains
from pytest_velo.stats.exact.boundary import log_mean_exp as log_mean_exp
from pytest_velo.stats.exact.crossing import cross

Flags = npt.NDArray[np.bool_]

ROUNDING = 1e-9
"""Tolerance in log evidence, far above its rounding error; comparisons err on the safe side by it."""

_TOLERANCE = 1e-8
_BATCH = 32
_VALUES = 8.0
"""Divided by the horizon: an interval of log evidence this long holds about a dozen possible values."""


def crossing_probability(
    rate: npt.ArrayLike,
    threshold: npt.ArrayLike,
    log_c: npt.ArrayLike,
    side: Side,
    max_n: int,
    min_n: int = 1,
) -> Floats:
    """Return P(the log evidence reaches `log_c` at some n in min_n..max_n), exactly.

    The arguments broadcast: true rates in [0, 1], the nulls' edges in (0, 1), log thresholds.
    """
    rates, edges, logs = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (rate, threshold, log_c)))
    shape = rates.shape
    if side < 0:
        rates, edges = 1.0 - rates, 1.0 - edges
    gains = gains_at(edges.ravel())
    return cross(rates.ravel(), gains, [Stretch(min_n, max_n, logs.ravel())]).reshape(shape)


@lru_cache(maxsize=4096)
def calibrated_log_threshold(threshold: float, side: Side, level: float, max_n: int, min_n: int = 1) -> float:
    """Return the smallest log threshold whose exact error at the null's edge is at most `level`.

    The result lies in [0, log(1/level)], rounded to the safe side. It takes a fraction of a second at a
    horizon of 1,000. No look comes before `min_n` or after `max_n`.
    """
    edge = threshold if side > 0 else 1.0 - threshold
    low, high = 0.0, math.log(1.0 / level)
    if edge**max_n <= level:
        # The best possible run meets the level, so it must stay within reach at any grain of the search.
        high = min(high, log_e_counts(max_n, max_n, edge, 1) - 2 * ROUNDING)
    gains = gains_at(np.array([edge]))

    def safe(log_c: Floats) -> Flags:
        rates = np.full(len(log_c), edge)
        return np.asarray(cross(rates, gains, [Stretch(min_n, max_n, log_c)]) <= level)

    low, high = _narrowed(safe, low, high, _VALUES / max_n)
    values = evidence_between(gains, min_n, max_n, low, high)
    if len(values) < _BATCH:
        # The error changes only at values that the evidence can take: one pass evaluates them all.
        between = np.concatenate(([low], (values[1:] + values[:-1]) / 2, [high]))
        is_safe = safe(between)
        low, high = _narrowed(lambda log_c: is_safe[np.searchsorted(values, log_c)], low, high, _TOLERANCE)
    else:
        low, high = _narrowed(safe, low, high, _TOLERANCE)
    return high + ROUNDING


def _narrowed(safe: Callable[[Floats], Flags], low: float, high: float, grain: float) -> tuple[float, float]:
    """Narrow the bracket of the smallest safe log threshold: from unsafe (or 0) to safe."""
    while high - low > grain:
        points = np.linspace(low, high, _BATCH)
        found = safe(points)
        found[-1] = True  # by Ville or by the best run, regardless of rounding
        first = int(found.argmax())
        low, high = float(points[max(first - 1, 0)]), float(points[first])
    return low, high


def anytime_p(max_log_e: float, threshold: float, side: Side, max_n: int, min_n: int = 1) -> float:
    """Return the exact p-value of a running maximum: P(max log E >= it) at the null's edge.

    It is the p-value of the calibrated rule with this horizon, valid at any stopping time. `max_log_e` is the
    largest log evidence at the looks so far; -inf before the first look.
    """
    if max_log_e < 0.0:  # no threshold is below 0, whatever the level
        return 1.0
    return float(crossing_probability(threshold, threshold, max_log_e - ROUNDING, side, max_n, min_n))


def anytime_p_values(
    max_log_es: Sequence[float], nulls: Sequence[tuple[float, Side]], max_n: int, min_n: int = 1
) -> list[float]:
    """Return `anytime_p` of several nulls (threshold, side) in one pass, at little more than one's cost."""
    edges = [threshold if side > 0 else 1.0 - threshold for threshold, side in nulls]
    observed = np.array(max_log_es) - ROUNDING
    p_values = crossing_probability(edges, edges, observed, 1, max_n, min_n)
    return [1.0 if log_e < 0.0 else float(p) for log_e, p in zip(max_log_es, p_values, strict=True)]


def history_error(threshold: float, side: Side, level: float, looks: Sequence[int], min_n: int = 1) -> float:
    """Return the exact error of looking with one horizon after another at the same draws.

    `looks` are the horizons in the order of use, rising: `(200, 400)` means a max_trials of 200, raised to
    400 because 200 gave no verdict. Each was calibrated to `level`.

    Returns:
        P(wrong verdict at one of them), at the null's edge; at most `level` for a single horizon.

    Raises:
        UsageError: The horizons do not rise, or there are none.
    """
    if not looks or any(later <= earlier for earlier, later in pairwise(looks)):
        raise UsageError(f"horizons must rise, got {tuple(looks)}", fix="looks=(200, 400)")
    stretches = []
    first = min_n
    for horizon in looks:
        log_c = calibrated_log_threshold(threshold, side, level, horizon, min_n)
        stretches.append(Stretch(first, horizon, np.array([log_c])))
        first = horizon + 1
    edge = np.array([threshold if side > 0 else 1.0 - threshold])
    return float(cross(edge, gains_at(edge), stretches)[0])
