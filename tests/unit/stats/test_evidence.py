"""The rules of means, differences and discordant pairs against a second implementation of their formulas."""

import functools
import json
from typing import Any

import numpy as np
import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold, crossing_probability
from pytest_velo.stats.rules.choice import rule_for
from support import evidence, evidence_cases

OUTWARD = 1e-5
"""How far outside the exact limit a reported one may lie, as a share of the scale."""

NEAR = 1e-9


@functools.cache
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(evidence_cases.FILE.read_text())
    return found


def vectors(key: str) -> list[Any]:
    return [pytest.param(case, id=case.get("id")) for case in reference()[key]]


def same_path(path: list[list[float]], told: list[list[float]]) -> bool:
    """Tell whether two paths are at the same looks, and equal but for rounding."""
    return len(path) == len(told) and bool(np.allclose(path, told, rtol=NEAR, atol=NEAR))


def ruled_by_the_package(given: evidence.Inputs, looks: set[int]):
    """Run the package's rule over the units until its verdict; return it, its path and its verdict."""
    of = rate if given.binary else mean(given.low, given.high)
    statistic = difference("new", "old", of=of) if given.paired else of
    claim = statistic >= given.threshold if given.relation == ">=" else statistic <= given.threshold
    design = Design(
        alpha=given.alpha,
        beta=given.beta,
        max_units=given.max_trials,
        margin=given.margin,
        min_units=given.min_trials,
    )
    rule, path, verdict = rule_for(claim, design), [], None
    for low, high in given.bounds():
        verdict = rule.feed(low, high)
        if rule.n in looks:
            path.append([rule.n, rule.log_e_support, rule.log_e_refute, *rule.p_values()])
        if verdict:
            break
    return rule, path, str(verdict or "inconclusive")


@pytest.mark.parametrize("case", vectors("cases"))
def test_rule_walks_and_stops_as_the_reference_does(case):
    given, told = evidence.Inputs(**case["inputs"]), case["expected"]
    rule, path, verdict = ruled_by_the_package(given, {row[0] for row in told["path"]})
    assert (verdict, rule.n) == (told["verdict"], told["n"])
    assert same_path(path, told["path"])
    assert rule.kind == ("calibrated" if told["tests"][0] == "tosses" else "ville")
    for name, interval in (
        ("interval", rule.evidence_bounds()[2]),
        ("interval_at_stop", rule.interval_at_stop()),
    ):
        (low, high), span = told[name], rule.claim.statistic.scale.span
        inward = NEAR if low < high else OUTWARD  # limits that cross leave one of them alone
        assert low - OUTWARD * span <= interval.low <= low + inward * span
        assert high - inward * span <= interval.high <= high + OUTWARD * span
        assert interval.level == pytest.approx(1.0 - given.alpha - given.beta)


@pytest.mark.parametrize("case", vectors("coins"))
def test_fair_coin_is_rejected_where_the_reference_does(case):
    level, horizon = case["level"], case["max_tosses"]
    bar = calibrated_log_threshold(0.5, 1, level, horizon)
    for n, fewest in enumerate(case["fewest_heads"], start=1):
        reaching = n + 1 if fewest is None else fewest
        assert log_e_counts(n, reaching - 1, 0.5, 1) < bar
        assert fewest is None or bar <= log_e_counts(n, fewest, 0.5, 1)
    error = float(crossing_probability(0.5, 0.5, bar, 1, horizon))
    assert error == pytest.approx(case["error"], abs=1e-12)
    assert error <= level


@pytest.mark.parametrize("case", vectors("cases"))
def test_reference_is_what_its_formulas_give(case):
    told = case["expected"]
    anew = evidence.expected(evidence.Inputs(**case["inputs"]), evidence.COARSE)
    for name in ("interval", "interval_at_stop"):
        span = (case["inputs"]["high"] - case["inputs"]["low"]) * 2
        assert anew.pop(name) == pytest.approx(told[name], abs=OUTWARD * span)
    assert same_path(anew.pop("path"), told["path"])
    assert anew.items() <= told.items()


@pytest.mark.parametrize("case", vectors("coins"))
def test_reference_of_coins_is_what_counting_gives(case):
    level, horizon = case["level"], case["max_tosses"]
    assert evidence.fewest_heads(level, horizon) == case["fewest_heads"]
    error = evidence.coin_crossing(evidence.coin_bar(level, horizon), horizon)
    assert float(error) == pytest.approx(case["error"], abs=1e-15)


def test_reference_has_every_case_that_is_described():
    described = {name: given._asdict() for name, given in evidence_cases.inputs().items()}
    assert {case["id"]: case["inputs"] for case in reference()["cases"]} == described
