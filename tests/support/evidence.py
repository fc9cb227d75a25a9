"""The rules of bounded means, differences and discordant pairs, written a second time from their formulas.

It shares no code with the package, and goes other ways where there are any: whole prefixes at once instead of
unit by unit, the variance of two samples put together instead of running sums, and paths of a fair coin
counted in whole numbers. Everything is on the scale [0, 1]; side +1 tests "mean <= null", side -1 "mean >=
null".

Sources: Waudby-Smith & Ramdas (2024), JRSS B 86:1 (bets on a bounded mean); Ville (1939): P(E ever reaches c)
<= 1/c; McNemar (1947): pairs that differ are fair coins where the arms do not.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bounds = tuple[float, float]

AIMS = np.geomspace(0.12, 2.4, 7)
"""What seven bettors aim at, in standard deviations; the eighth stakes everything."""

SHARES = np.array([0.72 / 7] * 7 + [0.28])
COINS = 0.5 + np.geomspace(0.03, 0.5, 12)
"""The coins that twelve bettors on a fair coin believe in, all with the same share."""

FINE = (500, 100, 100, 100, 10)
"""Grids of nulls, so fine that a null which is kept among rejected ones would be seen: to 1e-9."""

COARSE = (20, 20, 20, 20)
"""Grids that find the same where there is no such null: to 6e-6."""

HAIR = 1e-9
"""Log evidence this near to a bar has reached it: two ways to add it up differ by less."""


def log_e_mean(outcomes: Sequence[float], nulls: Sequence[float] | Floats, side: int) -> Floats:
    """Return the log evidence after each outcome against each null, shape (outcomes, nulls)."""
    x, t = np.asarray(outcomes, dtype=float), np.asarray(nulls, dtype=float)
    if side < 0:
        x, t = 1.0 - x, 1.0 - t
    largest = t * (1.0 - t)
    n = np.arange(len(x))[:, None]  # seen before each outcome
    before, seen = np.tri(len(x), k=-1), np.maximum(n, 1)
    seen_mean = (before * x).sum(axis=1, keepdims=True) / seen
    seen_variance = (before * (x - seen_mean) ** 2).sum(axis=1, keepdims=True) / seen
    # Two made-up outcomes around the null, with half the largest variance, put together with those seen.
    apart = 2.0 * n / (n + 2.0) * (seen_mean - t) ** 2
    variance = (2.0 * largest / 2.0 + n * seen_variance + apart) / (n + 2.0)
    spread = np.clip(variance / largest, 1e-6, 1.0)[:, :, None]
    far, t = (1.0 - t)[:, None], t[:, None]
    # The distance bends towards the end of the scale, so that no bettor aims beyond it.
    distance = 1.0 / (1.0 / (AIMS * np.sqrt(spread * t * far)) + 1.0 / far)
    bet = distance / (spread * t * far + (1.0 - spread) * t * distance)
    bets = np.concatenate([bet, np.broadcast_to(1.0 / t, (*bet.shape[:2], 1))], axis=2)
    stakes = 1.0 + bets * (x[:, None, None] - t)
    with np.errstate(divide="ignore"):
        fortunes = np.cumsum(np.log(np.where(stakes > 1e-12, stakes, 0.0)), axis=0)
    most = fortunes.max(axis=2)
    return np.asarray(most + np.log(np.exp(fortunes - most[:, :, None]) @ SHARES))


@cache
def coin_table(horizon: int) -> list[list[float]]:
    """Return the log evidence that a coin shows more heads than a fair one, by tosses and heads."""
    table = []
    for n in range(horizon + 1):
        heads = np.arange(n + 1)[:, None]
        fortunes = (2.0 * COINS) ** heads * (2.0 * (1.0 - COINS)) ** (n - heads)
        table.append([float(log_e) for log_e in np.log(fortunes.mean(axis=1))])
    return table


@cache
def coin_crossing(bar: float, horizon: int) -> Fraction:
    """Return the chance that a fair coin's evidence reaches the bar within the horizon: exact."""
    ways, crossed = [1], Fraction(0)  # paths that have not crossed, by heads
    for n, evidence in enumerate(coin_table(horizon)[1:], start=1):
        ways = [a + b for a, b in zip([0, *ways], [*ways, 0], strict=True)]
        fewest = bisect_left(evidence, bar - HAIR)  # evidence rises with heads
        crossed += Fraction(sum(ways[fewest:]), 2**n)
        ways[fewest:] = [0] * (n + 1 - fewest)
    return crossed


@cache
def coin_bar(level: float, horizon: int) -> float:
    """Return the lowest log evidence >= 0 that a fair coin reaches with a chance of `level` at most.

    It is one that can be reached; Ville's where none is low enough.
    """
    values = sorted({e for row in coin_table(horizon)[1:] for e in row if 0.0 <= e < -math.log(level)})
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if coin_crossing(values[middle], horizon) <= Fraction(level):
            high = middle
        else:
            low = middle + 1
    return values[low] if low < len(values) else -math.log(level)


def fewest_heads(level: float, horizon: int) -> list[int | None]:
    """Return the fewest heads that reach the bar after 1, 2, ... tosses; None where even all do not."""
    bar, rows = coin_bar(level, horizon), coin_table(horizon)[1:]
    return [next((heads for heads, e in enumerate(row) if e >= bar - HAIR), None) for row in rows]


@cache
def _coin_errors(level: float, horizon: int) -> tuple[Floats, Floats]:
    """Return rates below 1/2, and the chance that a coin of each reaches the bar."""
    rates = 0.5 - np.geomspace(0.25, 2e-4, 24)
    open_paths, crossed = np.ones((1, 24)), np.zeros(24)
    for fewest in fewest_heads(level, horizon):
        tails = np.concatenate([open_paths * (1.0 - rates), np.zeros((1, 24))])
        open_paths = tails + np.concatenate([np.zeros((1, 24)), open_paths * rates])
        if fewest is not None:
            crossed += open_paths[fewest:].sum(axis=0)
            open_paths[fewest:] = 0.0
    return rates, crossed


class Test:
    """A one-sided test of one null at a level; `outcomes` are the ends that speak least for a rejection."""

    __test__ = False

    def __init__(self, null: float, side: int, level: float, *, coin_horizon: int | None) -> None:
        self.null, self.side, self.level, self.horizon = null, side, level, coin_horizon
        self.bar = -math.log(level) if coin_horizon is None else coin_bar(level, coin_horizon)
        self.outcomes: list[float] = []

    def path(self, bounds: Sequence[Bounds]) -> list[float]:
        """Take in all units; return the log evidence after each."""
        self.outcomes = [low if self.side > 0 else high for low, high in bounds]
        if self.horizon is None:
            return [float(e) for e in log_e_mean(self.outcomes, [self.null], self.side)[:, 0]]
        ours, n, heads, path = (1.0 if self.side > 0 else 0.0), 0, 0, []
        for outcome in self.outcomes:
            n, heads = n + (outcome != 0.5), heads + (outcome == ours)
            path.append(coin_table(self.horizon)[n][heads])
        return path

    def p_value(self, highest: float) -> float:
        """Return the p-value of the highest log evidence so far."""
        if self.horizon is None or highest <= 0.0:
            return min(1.0, math.exp(-highest))
        return float(coin_crossing(highest, self.horizon))

    def limit(self, n: int, points: Sequence[int], *, crossed: bool, at_stop: bool) -> float:
        """Return the first null, from the end that is rejected, that n units do not reject."""

        def rejected(nulls: Floats) -> npt.NDArray[np.bool_]:
            evidence = log_e_mean(self.outcomes[:n], nulls, self.side)
            return np.asarray(
                (evidence[-1] if at_stop else evidence.max(axis=0)) >= self._bars(nulls, crossed)
            )

        limit = first_kept(rejected, self.side, points)
        return (max if crossed == (self.side > 0) else min)(limit, self.null)

    def _bars(self, nulls: Floats, crossed: bool) -> Floats:
        """Return the log evidence that rejects each null.

        A test by tosses rejects all nulls up to 1/2, or none. What it has not rejected, the mean may, with
        what is left of the level: tosses at that null cross with the error of the next rate up, at most.
        """
        ville = np.full_like(nulls, -math.log(self.level))
        if self.horizon is None:
            return ville
        t = nulls if self.side > 0 else 1.0 - nulls
        if crossed:
            return np.where(t <= 0.5, -np.inf, ville)
        rates, errors = _coin_errors(self.level, self.horizon)
        spent = [min((e for r, e in zip(rates, errors, strict=True) if r >= null), default=1.0) for null in t]
        left = np.maximum(self.level - np.array(spent), 0.0)
        with np.errstate(divide="ignore"):
            return np.where(t <= 0.5, -np.log(left), np.inf)


def first_kept(
    rejected: Callable[[Floats], npt.NDArray[np.bool_]], side: int, points: Sequence[int]
) -> float:
    """Return the first null, from 0 (side +1) or from 1, that is not rejected, by ever finer grids."""
    low, high = 0.0, 1.0  # from the rejected end
    for step in points:
        grid = np.linspace(low, high, step + 2)
        inner = rejected(grid[1:-1] if side > 0 else 1.0 - grid[1:-1])
        first = len(inner) if inner.all() else int(inner.argmin())
        low, high = float(grid[first]), float(grid[first + 1])
    return low if side > 0 else 1.0 - low


class Inputs(NamedTuple):
    """A claim with its design, and what came: outcomes, or pairs of them; None is an invalid one."""

    about: str
    relation: str
    threshold: float
    outcomes: list[Any]
    low: float = 0.0
    high: float = 1.0
    binary: bool = False
    alpha: float = 0.05
    beta: float = 0.05
    margin: float = 0.0
    min_trials: int = 1
    max_trials: int = 200

    @property
    def paired(self) -> bool:
        """Whether it is a claim about a difference."""
        return isinstance(self.outcomes[0], list)

    def bounds(self) -> list[Bounds]:
        """Return the bounds of each unit on the scale [0, 1]."""

        def ends(outcome: float | None) -> Bounds:
            if outcome is None:
                return 0.0, 1.0
            return ((outcome - self.low) / (self.high - self.low),) * 2

        if not self.paired:
            return [ends(outcome) for outcome in self.outcomes]
        arms = [(ends(first), ends(second)) for first, second in self.outcomes]
        return [((a[0] - b[1] + 1.0) / 2.0, (a[1] - b[0] + 1.0) / 2.0) for a, b in arms]


def expected(inputs: Inputs, points: Sequence[int] = FINE) -> dict[str, Any]:
    """Return what must come of it: the tests, the path where it changes, the verdict and the intervals.

    `points` are the nulls of each grid that an interval's end is looked for in.
    """
    span = (inputs.high - inputs.low) * (2 if inputs.paired else 1)
    least = -(inputs.high - inputs.low) if inputs.paired else inputs.low
    edge, room = (inputs.threshold - least) / span, inputs.margin / span
    side = 1 if inputs.relation == ">=" else -1

    def test(null: float, side: int, level: float) -> Test:
        tosses = inputs.paired and inputs.binary and abs(null - 0.5) < 1e-12
        return Test(null, side, level, coin_horizon=inputs.max_trials if tosses else None)

    support, refute = test(edge - side * room, side, inputs.alpha), test(edge, -side, inputs.beta)
    bounds = inputs.bounds()
    e_support, e_refute = support.path(bounds), refute.path(bounds)
    path, before, verdict, n = [], None, "inconclusive", len(bounds)
    for n in range(1, len(bounds) + 1):
        highest = max(e_support[:n]), max(e_refute[:n])
        excess = e_support[n - 1] - support.bar, e_refute[n - 1] - refute.bar
        crossed = highest[0] >= support.bar - HAIR, highest[1] >= refute.bar - HAIR
        if n >= inputs.min_trials and any(crossed):
            for_it = excess[0] >= excess[1] if all(crossed) else crossed[0]
            verdict = "supported" if for_it else "refuted"
        last = verdict != "inconclusive" or n == len(bounds)
        if highest != before or last:
            p_values = support.p_value(highest[0]), refute.p_value(highest[1])
            path.append([n, e_support[n - 1], e_refute[n - 1], *p_values])
        before = highest
        if last:
            break

    def interval(*, at_stop: bool) -> list[float]:
        tests = (support, refute)
        limits = [t.limit(n, points, crossed=c, at_stop=at_stop) for t, c in zip(tests, crossed, strict=True)]
        low, high = limits if side > 0 else limits[::-1]
        if low > high:
            low = high = limits[0] if excess[0] >= excess[1] else limits[1]
        return [least + low * span, least + high * span]

    return {
        "tests": ["mean" if t.horizon is None else "tosses" for t in (support, refute)],
        "verdict": verdict,
        "n": n,
        "path": path,
        "interval": interval(at_stop=False),
        "interval_at_stop": interval(at_stop=True),
    }
