"""Textbook statistics that only the tests need, by scipy and statsmodels."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower, TTestPower
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    proportion_effectsize,
)
from statsmodels.stats.proportion import (
    test_proportions_2indep as proportions_test,
)
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

Pair = tuple[float, float]


def standard_error(values: Sequence[float]) -> float:
    """The standard error of the mean of independent values."""
    return float(stats.sem(values))


def paired_error(first: Sequence[float], second: Sequence[float]) -> float:
    """The standard error of the mean difference of paired values."""
    return standard_error(np.subtract(first, second))


def clustered_error(values: Sequence[float], clusters: Sequence[Hashable], *, corrected: bool) -> float:
    """Liang & Zeger's standard error of the mean of clustered values: CR1 where corrected, else CR0."""
    _, groups = np.unique(clusters, return_inverse=True)
    keywords = {"groups": groups, "use_correction": corrected}
    return float(OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds=keywords).bse[0])


def t_interval(values: Sequence[float], level: float) -> Pair:
    """Student's interval for the mean."""
    low, high = DescrStatsW(values).tconfint_mean(1.0 - level)
    return float(low), float(high)


def share_interval(successes: int, n: int, level: float, method: str) -> Pair:
    """One of statsmodels' intervals for a proportion, cut to [0, 1]."""
    low, high = proportion_confint(successes, n, 1.0 - level, method)
    return float(low), float(high)


def mcnemar_p(up: int, down: int) -> float:
    """The exact two-sided p-value of McNemar's test, of its discordant pairs."""
    return float(mcnemar([[0, up], [down, 0]], exact=True).pvalue)


def equivalence_p(first: Sequence[float], second: Sequence[float], margin: float) -> float:
    """The p-value of two one-sided t tests of "the paired means differ by the margin or more"."""
    return float(ttost_paired(np.asarray(first), np.asarray(second), -margin, margin)[0])


def binomial_p(successes: int, n: int, rate: float) -> dict[str, float]:
    """The exact p-values of a count against a rate: greater, less, two-sided."""
    sides = ("greater", "less", "two-sided")
    return {side: float(stats.binomtest(successes, n, rate, side).pvalue) for side in sides}


def unpaired_interval(
    successes_a: int, n_a: int, successes_b: int, n_b: int, level: float, method: str
) -> Pair:
    """A statsmodels interval for a difference of unpaired rates: "newcomb" or "agresti-caffo"."""
    low, high = confint_proportions_2indep(
        successes_a, n_a, successes_b, n_b, method=method, compare="diff", alpha=1.0 - level
    )
    return float(low), float(high)


def unpaired_p(successes_a: int, n_a: int, successes_b: int, n_b: int) -> dict[str, float]:
    """Two-sided p-values of "no difference" of unpaired rates: Miettinen & Nurminen, Fisher, Boschloo."""
    table = [[successes_a, successes_b], [n_a - successes_a, n_b - successes_b]]
    score = proportions_test(successes_a, n_a, successes_b, n_b, compare="diff", method="score")
    return {
        "score": float(score.pvalue),
        "fisher": float(stats.fisher_exact(table).pvalue),
        "boschloo": float(stats.boschloo_exact(table).pvalue),
    }


class ExactDesign(NamedTuple):
    """A one-sided binomial test of a fixed size, its exact error and its exact power."""

    n: int
    size: float
    power: float


def exact_design(
    threshold: float, truth: float, alpha: float, power: float, most: int = 5_000
) -> ExactDesign:
    """The smallest exact test of "rate <= threshold" (">=" if the truth is below) with this power."""
    edge, rate = (threshold, truth) if truth > threshold else (1.0 - threshold, 1.0 - truth)
    n = np.arange(1, most + 1)
    last = stats.binom.isf(alpha, n, edge)  # it rejects beyond this count
    powers = stats.binom.sf(last, n, rate)
    first = np.flatnonzero(powers >= power)[0]
    size = stats.binom.sf(last[first], n[first], edge)
    return ExactDesign(int(n[first]), float(size), float(powers[first]))


def n_two_sample(rate_a: float, rate_b: float, alpha: float, power: float) -> Pair:
    """Trials an arm to tell two rates apart, two-sided: by the arcsine and the unpooled formula."""
    effect = proportion_effectsize(rate_a, rate_b)
    variances = rate_a * (1.0 - rate_a) + rate_b * (1.0 - rate_b)
    arcsine = NormalIndPower().solve_power(effect, alpha=alpha, power=power)
    return float(arcsine), _z(alpha, power) ** 2 * variances / (rate_a - rate_b) ** 2


def n_paired(deviation: float, difference: float, alpha: float, power: float) -> Pair:
    """Pairs to tell a mean difference from 0, two-sided: by the normal formula and for the t test."""
    effect = difference / deviation
    return (_z(alpha, power) / effect) ** 2, float(TTestPower().solve_power(effect, alpha=alpha, power=power))


def _z(alpha: float, power: float) -> float:
    return float(stats.norm.isf(alpha / 2) + stats.norm.ppf(power))


class Adjusted(NamedTuple):
    """Which hypotheses a procedure rejects, and their adjusted p-values."""

    rejects: list[bool]
    p_values: list[float]


def adjusted(p_values: Sequence[float], alpha: float, method: str) -> Adjusted:
    """By statsmodels: "holm", "bonferroni", "fdr_bh" (Benjamini-Hochberg), "fdr_by" (-Yekutieli)."""
    rejects, p, _, _ = multipletests(p_values, alpha, method)
    return Adjusted(rejects.tolist(), p.tolist())


def e_bh(e_values: Sequence[float], alpha: float) -> list[bool]:
    """e-BH: the k largest are rejected, k the largest number with all of them at m / (alpha k) or more.

    Source: Wang & Ramdas (2022), JRSS B 84:822.
    """
    logs = [math.log(e) if e > 0.0 else -math.inf for e in e_values]
    m, order = len(logs), sorted(logs, reverse=True)
    reached = [e for k, e in enumerate(order, start=1) if e >= math.log(m / (alpha * k)) - 1e-12]
    return [bool(reached) and e >= reached[-1] for e in logs]
