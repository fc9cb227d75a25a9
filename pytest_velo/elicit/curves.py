"""Success against the number of draws: measured, and predicted for more draws than were made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_velo.errors import UsageError

_GRID = 30
"""Values of each of the two parameters that a fit tries, before it looks closer."""


class Point(NamedTuple):
    """Success with `n` draws of a case, if any of them that succeeds is chosen.

    Attributes:
        n: Draws.
        measured: The unbiased estimate; None where some case has fewer draws.
        mixture: What the fitted mixture of cases predicts.
        pooled: What one success rate for all cases would predict if draws were independent.
    """

    n: int
    measured: float | None
    mixture: float
    pooled: float


@dataclass(frozen=True, slots=True)
class Scaling:
    """Draws of several cases, and how many of each succeeded.

    Attributes:
        counts: For each case its draws and how many succeeded, by the case's id.
        n_invalid: Trials left out because they were invalid.
        shape: Of the mixture: the beta distribution of the cases' success rates that fits best, as its mean
            and the correlation of two draws of a case, in [0, 1].
    """

    counts: Mapping[str, tuple[int, int]]
    n_invalid: int
    shape: tuple[float, float]

    @property
    def n(self) -> int:
        """The most draws for which success is measured: those of the case with the fewest."""
        return min(n for n, _ in self.counts.values())

    def measured(self, n: int) -> float:
        """Return the mean over cases of the chance that one of `n` draws succeeds, estimated without bias.

        Raises:
            UsageError: A case has fewer draws.

        Source:
            Chen et al. (2021), Evaluating Large Language Models Trained on Code, equation 1: of `m` draws
            with `c` successes, `1 - C(m - c, n) / C(m, n)`.
        """
        if not 1 <= n <= self.n:
            raise UsageError(
                f"success with {n} draws cannot be measured: a case has {self.n}",
                where="scaling",
                fix=f"n={self.n} or fewer; or predicted({n})",
            )
        each = [1 - math.comb(m - c, n) / math.comb(m, n) for m, c in self.counts.values()]
        return sum(each) / len(each)

    def pooled(self, n: int) -> float:
        """Return what the mean success rate of all cases would predict: `1 - (1 - p) ** n`.

        Where cases differ, success grows more slowly: draws go to waste on cases that succeed anyway, or
        nearly never (Jensen's inequality: the formula is concave in `p`). So a curve below it says that cases
        differ, not that draws of a case depend on each other.
        """
        each = [c / m for m, c in self.counts.values()]
        return 1 - (1 - sum(each) / len(each)) ** n

    def predicted(self, n: int) -> float:
        """Return the success with `n` draws, however many, if cases are as mixed as they seem.

        Draws of one case are taken for independent, and the cases' success rates for a beta distribution. It
        is a guess, not a bound: test it on draws of its own.
        """
        return _any_of(n, *self.shape)

    def table(self, at: Sequence[int] = ()) -> list[Point]:
        """Return success for numbers of draws, by default the powers of two up to twice what was drawn."""
        numbers = at or [2**k for k in range(self.n.bit_length() + 1)]
        return [
            Point(
                n=n,
                measured=self.measured(n) if n <= self.n else None,
                mixture=self.predicted(n),
                pooled=self.pooled(n),
            )
            for n in numbers
        ]

    def __str__(self) -> str:
        """Show the table."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{'draws':>6}  {'measured':>8}  {'predicted':>9}  {'one rate for all':>16}"
        for point in self.table():
            seen = "" if point.measured is None else f"{point.measured:.3f}"
            yield f"{point.n:>6}  {seen:>8}  {point.mixture:>9.3f}  {point.pooled:>16.3f}"
        left_out = f"; {self.n_invalid:,} invalid trials left out" if self.n_invalid else ""
        yield f"{len(self.counts):,} cases with {self.n:,} draws or more{left_out}"


def scaling(source: Any) -> Scaling:
    """Measure success against the number of draws, from one set of draws.

    Success with N draws is the chance that at least one of them succeeds: what a selector that never errs
    would reach. `best_of(N, ...)` with a real one reaches less.

    Args:
        source: A recorded hypothesis about a rate (`load()["test_it"]`) whose trials draw each case several
            times; or the outcomes by case: `{"sky": [True, False], ...}`.

    Raises:
        UsageError: There are no draws, or their outcomes are no successes or failures.

    >>> table = scaling({"easy": [True, True, True, True], "hard": [False, False, False, True]})
    >>> table.measured(1), table.measured(2), table.pooled(2)
    (0.625, 0.75, 0.859375)
    """
    counts, n_invalid = _counts(source)
    if not counts:
        raise UsageError("there are no draws", where="scaling", fix='scaling(load()["test_it"])')
    return Scaling(counts, n_invalid, _fitted([*counts.values()]))


def _counts(source: Any) -> tuple[dict[str, tuple[int, int]], int]:
    counts: dict[str, tuple[int, int]] = {}
    n_invalid = 0
    for case, outcome in _outcomes(source):
        if outcome is None:
            n_invalid += 1
            continue
        n, c = counts.get(case, (0, 0))
        counts[case] = n + 1, c + outcome
    return counts, n_invalid


def _outcomes(source: Any) -> Iterator[tuple[str, bool | None]]:
    """Yield the case and the outcome of each trial; None for an invalid one."""
    if isinstance(source, Mapping):
        for case, outcomes in source.items():
            for outcome in outcomes:
                if outcome not in (0, 1):
                    raise _no_success(outcome)
                yield str(case), bool(outcome)
        return
    trials = getattr(source, "trials", None)
    if trials is None:
        raise UsageError(
            f"{type(source).__name__} holds no draws", where="scaling", fix='scaling(load()["test_it"])'
        )
    for trial in trials:
        match trial.kind.value:
            case "one" | "zero":
                yield trial.case_id, trial.kind.value == "one"
            case "invalid":
                yield trial.case_id, None
            case _:
                raise _no_success(trial.kind.value)


def _no_success(outcome: Any) -> UsageError:
    return UsageError(
        f"an outcome is {outcome!r}, neither success nor failure",
        where="scaling",
        fix="give outcomes of a rate: True or False, 1 or 0",
    )


def _any_of(n: int, mean: float, alike: float) -> float:
    """Return P(at least one success in `n` draws of a case) where rates are beta distributed.

    With parameters `a` and `b` it is `1 - B(a, b + n) / B(a, b)`.
    """
    if mean in (0.0, 1.0):
        return mean
    if alike <= 0.0:
        return float(1 - (1 - mean) ** n)
    if alike >= 1.0:
        return mean
    total = (1 - alike) / alike
    b = (1 - mean) * total
    return -math.expm1(math.fsum(math.log((b + k) / (total + k)) for k in range(n)))


def _fitted(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Return mean and correlation of the beta-binomial distribution with the highest likelihood.

    A search on a grid, then on finer ones around its best point: two parameters need no more.
    """
    each = [c / n for n, c in counts]
    middle = sum(each) / len(each)
    if middle in (0.0, 1.0):
        return middle, 0.0
    low, high = (1e-4, 1 - 1e-4), (1e-4, 1 - 1e-4)
    best = (middle, 0.5)
    times = Counter(counts)  # cases with the same counts are alike
    for _ in range(5):
        means = [low[0] + (low[1] - low[0]) * k / _GRID for k in range(_GRID + 1)]
        likes = [high[0] + (high[1] - high[0]) * k / _GRID for k in range(_GRID + 1)]
        _, *best_now = max((_log_likelihood(times, m, r), m, r) for m in means for r in likes)
        best = best_now[0], best_now[1]
        step, wide = (low[1] - low[0]) / _GRID, (high[1] - high[0]) / _GRID
        low = max(1e-4, best[0] - 2 * step), min(1 - 1e-4, best[0] + 2 * step)
        high = max(1e-4, best[1] - 2 * wide), min(1 - 1e-4, best[1] + 2 * wide)
    return best


def _log_likelihood(times: Mapping[tuple[int, int], int], mean: float, alike: float) -> float:
    total = (1 - alike) / alike
    a, b = mean * total, (1 - mean) * total
    each = ((k, _log_beta(a + c, b + n - c) - _log_beta(a, b)) for (n, c), k in times.items())
    return sum(k * log for k, log in each)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
