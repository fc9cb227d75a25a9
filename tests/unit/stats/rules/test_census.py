"""Claims about a finite list of recorded outcomes, looked at in random order, each once (``once=True``)."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.census import census_tests, make_census_rule
from pytest_velo.verdicts import Verdict


def test_a_census_certifies_a_closed_inequality() -> None:
    rule = make_census_rule(rate >= 0.5, Design(census=10, alpha=0.05, beta=0.05, max_units=10))
    assert [rule.feed(1, 1) for _ in range(4)] == [None, None, None, Verdict.SUPPORTED]
    assert rule.certified(rule.verdict) == "rate >= 0.5"


def test_census_tests_of_either_side() -> None:
    support, against = census_tests(rate >= 0.5, Design(census=10, alpha=0.05, beta=0.05, max_units=10))
    # "at most 4", "at least 5"
    assert [(test.count, test.side) for test in (*support, *against)] == [(4, 1), (5, -1)]
