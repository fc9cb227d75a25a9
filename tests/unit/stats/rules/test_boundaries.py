"""Every rule of ours says where it decides, and decides there."""

from __future__ import annotations

import pytest

from pytest_velo.claims import Claim, difference, mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.choice import HasBoundaries, rule_for
from pytest_velo.verdicts import Verdict


@pytest.mark.parametrize("high", [True, False], ids=["high", "low"])
@pytest.mark.parametrize(
    ("claim", "fields"),
    [
        (rate >= 0.4, {}),
        (rate <= 0.4, {"margin": 0.1}),
        (rate >= 0.4, {"extend": True}),
        (mean(0, 10) >= 6, {"single": False}),
        (difference("a", "b") >= 0.0, {}),
        (difference("a", "b") <= 0.3, {}),
        (rate >= 0.5, {"census": 60}),
    ],
    ids=str,
)
def test_a_verdict_comes_where_the_evidence_reaches_its_boundary(
    claim: Claim, fields: dict[str, object], high: bool
) -> None:
    rule = rule_for(claim, Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 60, **fields}))
    assert isinstance(rule, HasBoundaries)
    outcome = 1.0 if high else 0.0
    for _ in range(60):
        verdict = rule.feed(outcome, outcome)
        support, refute = rule.boundaries()
        assert rule.p_values() == rule.evidence_bounds()[:2]
        assert (verdict is Verdict.SUPPORTED) == (rule.log_e_support >= support - 1e-9)
        assert (verdict is Verdict.REFUTED) == (rule.log_e_refute >= refute - 1e-9)
        if verdict is not None:
            break
    assert verdict is not None
