"""The sequential rule for a difference of two arms, paired on the case."""

from __future__ import annotations

from pytest_velo.claims import difference
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.difference import make_difference_rule
from pytest_velo.verdicts import Verdict


def test_a_difference_is_supported_after_eight_pairs() -> None:
    rule = make_difference_rule(difference("a", "b") >= 0, Design(alpha=0.05, beta=0.05, max_units=100))
    assert [rule.feed(d, d) for d in (0.5, 1, 1, 1, 0.5, 1, 1)] == [None, None, None, None, None, None, None]
    assert rule.feed(1, 1) == Verdict.SUPPORTED
    assert rule.certified(rule.verdict) == 'difference("a", "b") > 0'
    assert rule.kind == "calibrated"
