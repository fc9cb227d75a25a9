"""The statistics against the project's reference vectors (scipy, statsmodels, mpmath)."""

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import EProcess
from pytest_velo.stats.intervals import clopper_pearson, wilson
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.rules.rate import make_rate_rule

REFERENCE = Path(__file__).parents[2] / "reference" / "statistics.json"


def vectors(*kinds: str) -> list[Any]:
    cases = json.loads(REFERENCE.read_text())["cases"]
    return [pytest.param(case, id=case["id"]) for case in cases if case["kind"] in kinds]


def near(case: dict[str, Any], name: str) -> Any:
    expected = case["expected"][name]
    return pytest.approx(expected, rel=case["tol"], abs=case["tol"])


@pytest.mark.parametrize("case", vectors("bernoulli_eprocess", "bounded_mean_eprocess"))
def test_engine_matches_40_digit_arithmetic(case):
    support, refute = EProcess(case["inputs"]["threshold"], 1), EProcess(case["inputs"]["threshold"], -1)
    for outcome in case["inputs"]["x"]:
        support.update(outcome)
        refute.update(outcome)

    assert support.log_e == near(case, "log_e_support_at_end")
    assert refute.log_e == near(case, "log_e_refute_at_end")
    assert support.max_log_e == near(case, "log_max_e_support")


@pytest.mark.parametrize("case", vectors("bernoulli_eprocess", "bounded_mean_eprocess"))
def test_ville_rule_stops_where_the_reference_does(case):
    outcomes, alpha = case["inputs"]["x"], case["inputs"]["alpha"]
    claim = rate >= case["inputs"]["threshold"]
    rule = make_rate_rule(claim, Design(alpha=alpha, beta=alpha, max_units=len(outcomes), single=False))
    for outcome in outcomes:
        if rule.feed(outcome, outcome):
            break

    assert (rule.verdict or "inconclusive") == case["expected"]["verdict"]
    assert rule.n == case["expected"]["n_at_verdict"]
    assert rule.log_e_support == near(case, "log_e_support_at_verdict")
    if rule.verdict is None:
        p_support, p_refute, _ = rule.evidence_bounds()
        assert p_support == near(case, "anytime_p_support")
        assert p_refute == near(case, "anytime_p_refute")


@pytest.mark.parametrize("case", vectors("proportion_ci"))
def test_textbook_intervals_match_scipy(case):
    inputs = case["inputs"]
    for function in (wilson, clopper_pearson):
        interval = function(inputs["successes"], inputs["n"], inputs["level"])
        assert [interval.low, interval.high] == near(case, function.__name__)


@pytest.mark.parametrize("case", vectors("rule_operating_characteristics"))
def test_exact_law_of_the_ville_rule_matches(case):
    inputs = case["inputs"]
    rule = make_rate_rule(
        rate >= inputs["threshold"],
        Design(
            alpha=inputs["alpha"],
            beta=inputs["beta"],
            margin=inputs["margin"],
            max_units=inputs["max_n"],
            extend=True,
        ),
    )
    law = operating_characteristics(rule, inputs["truth"])

    assert [at.supported for at in law] == near(case, "supported")
    assert [at.refuted for at in law] == near(case, "refuted")
    assert [at.mean_n for at in law] == near(case, "mean_n")
