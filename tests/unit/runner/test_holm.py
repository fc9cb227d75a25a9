"""Families of hypotheses: Holm's step-down over the p-values of those that ended, at the end of a session."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.records import Family
from pytest_velo.runner.holm import settle
from pytest_velo.runner.result import result_of
from support.runs import sampled


def test_holms_steps_support_the_second_hypothesis() -> None:
    family = Family(name="both", size=2, alpha=0.1, beta=0.1)
    clear, close = (sampled(rate >= 0.5, [1] * n, family=family) for n in (30, 4))
    _, second = settle([result_of(clear), result_of(close)])
    assert [result_of(close).outcome.value, second.outcome.value] == ["inconclusive", "supported"]
    assert second.family.by_steps
    assert second.family.p_support == 0.5**4  # the largest p-value counts once, the smallest twice
