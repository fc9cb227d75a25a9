"""The statistics of means, pairs, censuses and families against the project's reference vectors.

Some vectors are of textbook methods that the product does not need (made with statsmodels, ville and
confseq); these are computed here and in `support.textbook`, so that no part of the file goes unread.
"""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from scipy import special
from scipy.optimize import brentq

from pytest_velo.claims import rate
from pytest_velo.stats.engine.census import alternatives, log_e_census
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import EProcess
from pytest_velo.stats.intervals import clopper_pearson, wilson
from pytest_velo.stats.multiplicity import holm
from pytest_velo.stats.rules.census import census_tests
from support import textbook

REFERENCE = Path(__file__).parents[2] / "reference" / "statistics.json"

CHECKED_ELSEWHERE = {"bernoulli_eprocess", "rule_operating_characteristics"}
"""Kinds that `test_reference` checks in full."""


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
    return found | {
        "log_e_support_at_end": support.log_e,
        "log_e_refute_at_end": refute.log_e,
        "log_e_support_at_verdict": at_verdict[0],
        "log_e_refute_at_verdict": at_verdict[1],
        "log_max_e_support": support.max_log_e,
        "anytime_p_support": min(1.0, math.exp(-support.max_log_e)),
        "anytime_p_refute": min(1.0, math.exp(-refute.max_log_e)),
        "mean": sum(x) / len(x),
        "se": textbook.standard_error(x),
        "t_ci95": list(textbook.t_interval(x, 0.95)),
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
    exact, score = clopper_pearson(successes, n, level), wilson(successes, n, level)
    theirs = {
        method: list(textbook.share_interval(successes, n, level, method))
        for method in ("jeffreys", "agresti_coull", "wilson")
    }
    return {
        "clopper_pearson": [exact.low, exact.high],
        "wilson": [score.low, score.high],
        "wilson_statsmodels": theirs.pop("wilson"),
        **theirs,
    }


def binomial(successes, n, threshold):
    found = textbook.binomial_p(successes, n, threshold)
    return {"p_greater": found["greater"], "p_less": found["less"], "p_two": found["two-sided"]}


def clustered_se(x, cluster):
    naive = textbook.standard_error(x)
    cr0 = textbook.clustered_error(x, cluster, corrected=False)
    means = [[v for v, c in zip(x, cluster, strict=True) if c == which] for which in sorted(set(cluster))]
    return {
        "mean": sum(x) / len(x),
        "se_naive_ddof1": naive,
        "se_cluster_CR0": cr0,
        "se_cluster_CR1": textbook.clustered_error(x, cluster, corrected=True),
        "se_of_cluster_means": textbook.standard_error([sum(values) / len(values) for values in means]),
        "design_effect_CR0": (cr0 / naive) ** 2,
    }


def paired(a, b, alpha):
    differences = [x - y for x, y in zip(a, b, strict=True)]
    scaled = bounded_mean_eprocess([(d + 1) / 2 for d in differences], 0.5, alpha)
    noninferior = EProcess((1 - 0.05) / 2, 1)
    for d in differences:
        noninferior.update((d + 1) / 2)
    up, down = differences.count(1), differences.count(-1)
    return {
        "diff": sum(differences) / len(differences),
        "se_paired": textbook.paired_error(a, b),
        "se_unpaired": math.hypot(textbook.standard_error(a), textbook.standard_error(b)),
        "mcnemar_exact_p": textbook.mcnemar_p(up, down),
        "discordant": [up, down],
        "tost_p_margin10": textbook.equivalence_p(a, b, 0.1),
        "log_e_noninferior_margin05": noninferior.log_e,
        **{
            name: scaled[name]
            for name in ("log_e_support_at_end", "log_e_refute_at_end", "verdict", "n_at_verdict")
        },
    }


def unpaired(s_a, n_a, s_b, n_b):
    p = textbook.unpaired_p(s_a, n_a, s_b, n_b)
    newcombe, caffo = (
        list(textbook.unpaired_interval(s_a, n_a, s_b, n_b, 0.95, method))
        for method in ("newcomb", "agresti-caffo")
    )
    return {
        "newcomb": newcombe,
        "agresti_caffo": caffo,
        "score_test_p": p["score"],
        "fisher_p": p["fisher"],
        "boschloo_p": p["boschloo"],
    }


def evalue_multiplicity(e, alpha):
    p_values = [min(1.0, 1 / value) for value in e]

    def places(rejects):
        return [place for place, rejected in enumerate(rejects) if rejected]

    return {
        "ebh": places(textbook.e_bh(e, alpha)),
        "eholm": places(holm(p_values, alpha).rejects),
        "bonferroni": places(textbook.adjusted(p_values, alpha, "bonferroni").rejects),
    }


def pvalue_multiplicity(p, alpha):
    found = {name: textbook.adjusted(p, alpha, name) for name in ("fdr_bh", "fdr_by", "bonferroni")}
    found["holm"] = holm(p, alpha)
    return {
        name: {"reject": list(adjusted.rejects), "adjusted": list(adjusted.p_values)}
        for name, adjusted in found.items()
    }


def required_n_exact(threshold, truth, alpha, power):
    design = textbook.exact_design(threshold, truth, alpha, power)
    return {"n": design.n, "exact_size": design.size, "exact_power": design.power}


def required_n_two_sample(p_a, p_b, alpha, power, sided):
    assert sided == "two"
    names = ("n_per_arm_arcsine", "n_per_arm_unpooled")
    return dict(zip(names, textbook.n_two_sample(p_a, p_b, alpha, power), strict=True))


def required_n_paired(sd_diff, delta, alpha, power):
    return dict(zip(("n_z", "n_t"), textbook.n_paired(sd_diff, delta, alpha, power), strict=True))


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
