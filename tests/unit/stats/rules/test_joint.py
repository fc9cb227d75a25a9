"""The sequential rule for several claims that must all hold, about named outcomes of the same trials."""

from __future__ import annotations

from pytest_velo.claims import mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.joint import make_joint_rule
from pytest_velo.verdicts import Verdict


def test_both_parts_are_supported_together() -> None:
    claim = (rate("asr") <= 0.2) & (rate("over_refusal") <= 0.2)
    rule = make_joint_rule(claim, Design(alpha=0.05, beta=0.05, max_units=100))
    while rule.feed([(0, 0), (0, 0)]) is None:
        pass
    assert rule.n == 18
    assert rule.certified(rule.verdict) == 'rate("asr") < 0.2 and rate("over_refusal") < 0.2'


def test_one_refuted_part_refutes_all() -> None:
    claim = (rate("kind") >= 0.5) & (mean(0, 10, "help") >= 5)
    rule = make_joint_rule(claim, Design(alpha=0.05, beta=0.05, max_units=100))
    # kind each time, of help 1 in 10
    while rule.feed([(1, 1), (0.1, 0.1)]) is None:
        pass
    assert rule.verdict == Verdict.REFUTED
    assert rule.certified(rule.verdict) == 'mean(0, 10, "help") < 5'
    assert rule.kind == "mixed"
