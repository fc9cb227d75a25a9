"""Textbook statistics for a fixed sample: descriptive beside the verdicts, never what decides them.

They hold for a sample whose size was fixed beforehand; after an early stop they are too narrow and too small.
scipy does the distributions; it is imported on use.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from pytest_velo.errors import UsageError
from pytest_velo.stats.intervals import wilson
from pytest_velo.verdicts import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredError:
    """The standard error of a mean whose values come in clusters.

    Attributes:
        cr0: Liang & Zeger's, as in Miller (2024).
        cr1: With the small-sample correction sqrt(G/(G - 1)) for G clusters.
        naive: As if all values were independent (with n - 1).
    """

    cr0: float
    cr1: float
    naive: float

    @property
    def design_effect(self) -> float | None:
        """How many times the variance of independent values: 1 when clustering does not matter.

        None where all values are the same: nothing is known of what clustering does.
        """
        return (self.cr0 / self.naive) ** 2 if self.naive else None


def clustered_error(values: Sequence[float], clusters: Sequence[Hashable]) -> ClusteredError:
    """Return the standard error of the mean of clustered values.

    Args:
        values: At least two.
        clusters: Which cluster each value is of; at least two different ones.

    Raises:
        UsageError: There are too few values or clusters, or not one cluster for each value.

    Source: Liang & Zeger (1986), Biometrika 73:13; Miller (2024), "Adding error bars to evals".
    """
    n, groups = len(values), len(set(clusters))
    if len(clusters) != n or groups < 2:
        raise UsageError(
            f"no clustered error of {n} values in {groups} clusters", fix="one cluster a value, two or more"
        )
    mean = math.fsum(values) / n
    sums: dict[Hashable, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + value - mean
    cr0 = math.sqrt(math.fsum(total * total for total in sums.values())) / n
    naive = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    return ClusteredError(cr0=cr0, cr1=cr0 * math.sqrt(groups / (groups - 1)), naive=naive)


def paired_error(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the standard error of the mean difference of paired values, at least two pairs.

    Raises:
        UsageError: There are fewer than two.
    """
    differences = [a - b for a, b in zip(first, second, strict=True)]
    return standard_error(differences)


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of the mean of at least two independent values (with n - 1).

    Raises:
        UsageError: There are fewer than two.
    """
    n = len(values)
    if n < 2:
        raise UsageError(f"no standard error of {n} values", fix="two values or more")
    mean = math.fsum(values) / n
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)


def t_interval(values: Sequence[float], level: float) -> Interval:
    """Return Student's interval for the mean of at least two independent values.

    Args:
        values: The sample.
        level: Two-sided level, in (0, 1).

    Raises:
        UsageError: There are fewer than two values.

    Source: Student (1908), Biometrika 6:1.
    """
    from scipy.special import stdtrit

    half = float(stdtrit(len(values) - 1, 0.5 + level / 2)) * standard_error(values)
    mean = math.fsum(values) / len(values)
    return Interval(low=mean - half, high=mean + half, level=level)


def mcnemar_p(up: int, down: int) -> float:
    """Return the exact two-sided p-value of McNemar's test.

    Args:
        up: Discordant pairs of one kind, from 0.
        down: Those of the other.

    Source: McNemar (1947), Psychometrika 12:153, in its exact (binomial) form.
    """
    return binomial_p(up, up + down, 0.5)[2] if up + down else 1.0


def binomial_p(successes: int, n: int, rate: float) -> tuple[float, float, float]:
    """Return the exact p-values (greater, less, two-sided) of a count against a rate in [0, 1].

    Args:
        successes: In 0..n.
        n: Trials, from 1.
        rate: The null's rate. Two-sided are all counts that are no likelier than this one.
    """
    from scipy.stats import binomtest

    sides = ("greater", "less", "two-sided")
    greater, less, two = (float(binomtest(successes, n, rate, side).pvalue) for side in sides)
    return greater, less, two


def newcombe(successes_a: int, n_a: int, successes_b: int, n_b: int, level: float) -> Interval:
    """Return Newcombe's hybrid score interval for a difference a - b of unpaired rates.

    Source: Newcombe (1998), Statistics in Medicine 17:873, method 10.

    Args:
        successes_a: In 0..n_a.
        n_a: Trials of a, from 1.
        successes_b: In 0..n_b.
        n_b: Trials of b, from 1.
        level: Two-sided level, in (0, 1).

    Raises:
        UsageError: A number is outside its range.
    """
    of_a, of_b = wilson(successes_a, n_a, level), wilson(successes_b, n_b, level)
    a, b = successes_a / n_a, successes_b / n_b
    low = a - b - math.hypot(a - of_a.low, of_b.high - b)
    high = a - b + math.hypot(of_a.high - a, b - of_b.low)
    return Interval(low=low, high=high, level=level)


def unpaired_p(successes_a: int, n_a: int, successes_b: int, n_b: int) -> Mapping[str, float]:
    """Return two-sided p-values of "no difference" of unpaired rates: `score`, `fisher` and `boschloo`.

    Source: Miettinen & Nurminen (1985); Fisher (1935); Boschloo (1970).

    Args:
        successes_a: In 0..n_a.
        n_a: Trials of a, from 1.
        successes_b: In 0..n_b.
        n_b: Trials of b, from 1.
    """
    from scipy.special import ndtr
    from scipy.stats import boschloo_exact, fisher_exact

    table = [[successes_a, successes_b], [n_a - successes_a, n_b - successes_b]]
    n = n_a + n_b
    pooled = (successes_a + successes_b) / n
    variance = pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b) * n / (n - 1)
    difference = abs(successes_a / n_a - successes_b / n_b)
    score = 2.0 * float(ndtr(-difference / math.sqrt(variance))) if variance else 1.0
    return {
        "score": score,
        "fisher": float(fisher_exact(table).pvalue),
        "boschloo": float(boschloo_exact(table).pvalue),
    }
