"""What the next trial of a hypothesis is expected to bring: its share of what a verdict still needs."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.scheduling.gain import expected_gain
from support.runs import sampled


def test_a_clear_hypothesis_promises_more() -> None:
    clear, at_its_threshold = sampled(rate >= 0.5, [1, 1, 1]), sampled(rate >= 0.5, [1, 0, 1, 0])
    assert round(1 / expected_gain(clear)) == 7
    assert round(1 / expected_gain(at_its_threshold)) == 44
