"""A result needs the interval of its evidence once: it takes longer than all else of a short hypothesis."""

from __future__ import annotations

import pytest

from pytest_velo.claims import rate
from pytest_velo.runner.result import result_of
from pytest_velo.stats.limits import rate as rate_limits_module
from pytest_velo.stats.rules.rate import RateRule
from support.runs import sampled


def test_the_bounds_of_a_result_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    really = RateRule.evidence_bounds
    monkeypatch.setattr(RateRule, "evidence_bounds", lambda rule: (asked.append(rule.n), really(rule))[1])
    run = sampled(rate >= 0.5, [1.0] * 20)
    assert result_of(run).decision.evidence.interval is not None
    assert len(asked) == 1


def test_bounds_follow_what_was_fed() -> None:
    short, long = (sampled(rate >= 0.5, [1.0, 0.0] * n) for n in (3, 9))
    narrow, wide = long.weigher.bounds()[2], short.weigher.bounds()[2]
    assert narrow.high - narrow.low < wide.high - wide.low


def test_hypotheses_that_went_the_same_way_share_their_limits() -> None:
    rate_limits_module._limits.cache_clear()
    ends = {sampled(rate >= 0.5, [1.0] * 12).weigher.bounds()[2] for _ in range(3)}
    assert len(ends) == 1
    assert rate_limits_module._limits.cache_info().misses == 1
    sampled(rate >= 0.6, [1.0] * 12).weigher.bounds()
    assert rate_limits_module._limits.cache_info().misses == 2
