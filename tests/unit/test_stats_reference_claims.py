"""The statistics of means, pairs, censuses and families against the project's reference vectors.

Some vectors are of textbook methods that the product does not need (made with statsmodels, ville and
confseq); these are computed here from scipy and checked as well, so that no part of the file goes unread.
"""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pytest_velo.stats.descriptive import (
    binomial_p,
    clustered_error,
    mcnemar_p,
    newcombe,
    paired_error,
    standard_error,
    t_interval,
    unpaired_p,
)
from pytest_velo.stats.fixed_n import exact_design, n_paired, n_two_sample
from scipy import special, stats
from scipy.optimize import brentq

from pytest_velo.claims import rate
from pytest_velo.stats.engine.census import alternatives, log_e_census
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import EProcess
from pytest_velo.stats.intervals import clopper_pearson, wilson
from pytest_velo.stats.multiplicity import benjamini_hochberg, benjamini_yekutieli, bonferroni, e_bh, holm
from pytest_velo.stats.rules.census import census_tests

REFERENCE = Path(__file__).parents[1] / "reference" / "statistics.json"

CHECKED_ELSEWHERE = {"bernoulli_eprocess", "rule_operating_characteristics"}
"""Kinds that `test_stats_reference` checks in full."""


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(REFERENCE.read_text())["cases"]
    return found


def vectors() -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in cases() if case["kind"] not in CHECKED_ELSEWHERE]


def bounded_mean_eprocess(x, threshold, alpha):
    support, refute = EProcess(threshold, 1), EProcess(threshold, -1)
    found = {"verdict": "inconclusive", "n_at_verdict": len(x)}
    at_verdict = None
    for n, outcome in enumerate(x, start=1):
        support.update(outcome)
        refute.update(outcome)
        crossed = [
            name for name, e in (("supported", support), ("refuted", refute)) if e.log_e >= -math.log(alpha)
        ]
        if crossed and at_verdict is None:
            at_verdict = support.log_e, refute.log_e
            found |= {"verdict": crossed[0], "n_at_verdict": n}
    at_verdict = at_verdict or (support.log_e, refute.log_e)
    interval = t_interval(x, 0.95)
    return found | {
        "log_e_support_at_end": support.log_e,
        "log_e_refute_at_end": refute.log_e,
        "log_e_support_at_verdict": at_verdict[0],
        "log_e_refute_at_verdict": at_verdict[1],
        "log_max_e_support": support.max_log_e,
        "anytime_p_support": min(1.0, math.exp(-support.max_log_e)),
        "anytime_p_refute": min(1.0, math.exp(-refute.max_log_e)),
        "mean": sum(x) / len(x),
        "se": standard_error(x),
        "t_ci95": [interval.low, interval.high],
    }


def beta_mixture_cs(successes, n, threshold, prior, alpha):
    a, b = prior

    def log_e(rate):
        posterior = special.betaln(a + successes, b + n - successes) - special.betaln(a, b)
        return float(posterior - successes * math.log(rate) - (n - successes) * math.log1p(-rate))

    def excess(rate):
        return log_e(rate) - math.log(1 / alpha)

    share = successes / n
    ends = [brentq(excess, 1e-12, share, xtol=1e-13), brentq(excess, share, 1 - 1e-12, xtol=1e-13)]
    return {"log_e": log_e(threshold), "ci": ends}


def proportion_ci(successes, n, level):
    z, tail = stats.norm.isf((1 - level) / 2), (1 - level) / 2
    exact, score = clopper_pearson(successes, n, level), wilson(successes, n, level)
    jeffreys = stats.beta.ppf([tail, 1 - tail], successes + 0.5, n - successes + 0.5)
    centre = (successes + z * z / 2) / (n + z * z)
    half = z * math.sqrt(centre * (1 - centre) / (n + z * z))
    return {
        "clopper_pearson": [exact.low, exact.high],
        "wilson": [score.low, score.high],
        "wilson_statsmodels": [score.low, score.high],
        "jeffreys": list(jeffreys),
        "agresti_coull": [max(0.0, centre - half), min(1.0, centre + half)],
    }


def binomial(successes, n, threshold):
    return dict(zip(("p_greater", "p_less", "p_two"), binomial_p(successes, n, threshold), strict=True))


def clustered_se(x, cluster):
    error = clustered_error(x, cluster)
    means = [[v for v, c in zip(x, cluster, strict=True) if c == which] for which in sorted(set(cluster))]
    return {
        "mean": sum(x) / len(x),
        "se_naive_ddof1": error.naive,
        "se_cluster_CR0": error.cr0,
        "se_cluster_CR1": error.cr1,
        "se_of_cluster_means": standard_error([sum(values) / len(values) for values in means]),
        "design_effect_CR0": error.design_effect,
    }


def paired(a, b, alpha):
    differences = [x - y for x, y in zip(a, b, strict=True)]
    scaled = bounded_mean_eprocess([(d + 1) / 2 for d in differences], 0.5, alpha)
    noninferior = EProcess((1 - 0.05) / 2, 1)
    for d in differences:
        noninferior.update((d + 1) / 2)
    mean, error = sum(differences) / len(differences), paired_error(a, b)
    up, down = differences.count(1), differences.count(-1)
    too_low, too_high = (mean + 0.1) / error, (mean - 0.1) / error
    degrees = len(differences) - 1
    return {
        "diff": mean,
        "se_paired": error,
        "se_unpaired": math.hypot(standard_error(a), standard_error(b)),
        "mcnemar_exact_p": mcnemar_p(up, down),
        "discordant": [up, down],
        "tost_p_margin10": float(max(stats.t.sf(too_low, degrees), stats.t.cdf(too_high, degrees))),
        "log_e_noninferior_margin05": noninferior.log_e,
        **{
            name: scaled[name]
            for name in ("log_e_support_at_end", "log_e_refute_at_end", "verdict", "n_at_verdict")
        },
    }


def unpaired(s_a, n_a, s_b, n_b):
    interval = newcombe(s_a, n_a, s_b, n_b, 0.95)
    p = unpaired_p(s_a, n_a, s_b, n_b)
    a, b = (s_a + 1) / (n_a + 2), (s_b + 1) / (n_b + 2)
    half = stats.norm.isf(0.025) * math.sqrt(a * (1 - a) / (n_a + 2) + b * (1 - b) / (n_b + 2))
    return {
        "newcomb": [interval.low, interval.high],
        "agresti_caffo": [a - b - half, a - b + half],
        "score_test_p": p["score"],
        "fisher_p": p["fisher"],
        "boschloo_p": p["boschloo"],
    }


def evalue_multiplicity(e, alpha):
    p_values = [min(1.0, 1 / value) for value in e]

    def places(rejects):
        return [place for place, rejected in enumerate(rejects) if rejected]

    return {
        "ebh": places(e_bh([math.log(value) for value in e], alpha)),
        "eholm": places(holm(p_values, alpha).rejects),
        "bonferroni": places(bonferroni(p_values, alpha).rejects),
    }


def pvalue_multiplicity(p, alpha):
    procedures = {
        "holm": holm,
        "fdr_bh": benjamini_hochberg,
        "fdr_by": benjamini_yekutieli,
        "bonferroni": bonferroni,
    }
    found = {name: procedure(p, alpha) for name, procedure in procedures.items()}
    return {
        name: {"reject": list(adjusted.rejects), "adjusted": list(adjusted.p_values)}
        for name, adjusted in found.items()
    }


def required_n_exact(threshold, truth, alpha, power):
    design = exact_design(threshold, truth, alpha, power)
    return {"n": design.n, "exact_size": design.size, "exact_power": design.power}


def required_n_two_sample(p_a, p_b, alpha, power, sided):
    assert sided == "two"
    names = ("n_per_arm_arcsine", "n_per_arm_unpooled")
    return dict(zip(names, n_two_sample(p_a, p_b, alpha, power), strict=True))


def required_n_paired(sd_diff, delta, alpha, power):
    return dict(zip(("n_z", "n_t"), n_paired(sd_diff, delta, alpha, power), strict=True))


def without_replacement(successes, n, N, threshold):
    both = census_tests(rate >= threshold, Design(census=N, alpha=0.05, beta=0.05, max_units=N))
    tests = {name: test for name, [test] in zip(("support", "refute"), both, strict=True)}
    found = {}
    for name, test in tests.items():
        counts = alternatives(test.count, test.side, N)
        found |= {
            f"null_{name}": test.count,
            f"alts_{name}": list(counts),
            f"log_e_{name}": log_e_census(successes, n - successes, test.count, counts, N),
        }
    return found


def confseq_cross_check(x, threshold, alpha, method):
    """Predictable-mixture empirical Bernstein bets (Waudby-Smith & Ramdas 2024, eq. 26), cut at 1/(2t)."""
    assert "one-sided, truncation 1/2" in method
    log_e, total, squares = 0.0, 0.5, 0.25
    for n, outcome in enumerate(x, start=1):
        variance = squares / n
        bet = math.sqrt(2 * math.log(1 / alpha) / (n * math.log(1 + n) * variance))
        log_e += math.log1p(min(bet, 0.5 / threshold) * (outcome - threshold))
        total += outcome
        squares += (outcome - total / (n + 1)) ** 2
    return {"log_e": log_e}


METHODS = {
    "bounded_mean_eprocess": bounded_mean_eprocess,
    "beta_mixture_cs": beta_mixture_cs,
    "proportion_ci": proportion_ci,
    "binomial_p": binomial,
    "clustered_se": clustered_se,
    "paired": paired,
    "unpaired": unpaired,
    "evalue_multiplicity": evalue_multiplicity,
    "pvalue_multiplicity": pvalue_multiplicity,
    "required_n_exact": required_n_exact,
    "required_n_two_sample": required_n_two_sample,
    "required_n_paired": required_n_paired,
    "without_replacement": without_replacement,
    "confseq_cross_check": confseq_cross_check,
}


def flat(value, name=""):
    """Yield the leaves of nested results with their names."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from flat(part, f"{name}.{key}")
    elif isinstance(value, list):
        yield f"{name}.length", len(value)
        for place, part in enumerate(value):
            yield from flat(part, f"{name}.{place}")
    else:
        yield name, value


@pytest.mark.parametrize("case", vectors())
def test_every_reference_number_is_met(case):
    found = dict(flat(METHODS[case["kind"]](**case["inputs"])))
    expected = dict(flat(case["expected"]))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        exact = isinstance(value, bool | str | int)
        assert found[name] == (value if exact else pytest.approx(value, rel=case["tol"], abs=case["tol"])), (
            name
        )


def test_no_reference_case_is_left_out():
    kinds = {case["kind"] for case in cases()}
    assert kinds == METHODS.keys() | CHECKED_ELSEWHERE
    assert len(cases()) == 37
