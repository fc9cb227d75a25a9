"""The sequential rule for claims about means and differences, composed of tests of their nulls."""

from __future__ import annotations

from pytest_velo.claims import mean
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.mean import make_mean_rule
from pytest_velo.verdicts import Verdict


def test_a_mean_is_supported_after_seven_units() -> None:
    rule = make_mean_rule(mean(0, 10) >= 5, Design(alpha=0.05, beta=0.05, max_units=200))
    while rule.feed(0.9, 0.9) is None:
        pass
    assert rule.n == 7
    assert rule.verdict == Verdict.SUPPORTED
    assert rule.certified(rule.verdict) == "mean(0, 10) > 5"


def test_a_mean_is_refuted_after_seven_units() -> None:
    rule = make_mean_rule(mean(0, 10) <= 5, Design(alpha=0.05, beta=0.05, max_units=200))
    assert [rule.feed(score / 10, score / 10) for score in (9, 9, 10, 8, 9, 9, 10)][-1] == Verdict.REFUTED
    assert rule.n == 7
