"""Sequential rules: fed unit by unit, they say when the data support or refute a claim."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict


def test_a_rate_is_supported_after_four_ones() -> None:
    design = {"alpha": 0.05, "beta": 0.05, "max_units": 200}
    rule = make_rate_rule(rate >= 0.3, Design(**design))
    assert [rule.feed(1, 1) for _ in range(4)] == [None, None, None, Verdict.SUPPORTED]
    assert rule.certified(rule.verdict) == "rate > 0.3"
    assert rule.kind == "calibrated"
    assert make_rate_rule(rate.within(0.2, 0.4), Design(**design)).kind == "calibrated"
