"""The statistics a written claim is about: run records name claims as they stand in the test."""

from __future__ import annotations

from pytest_velo.baselines.written import Part, parts_of
from pytest_velo.claims import mean


def test_a_written_claim_is_split_into_parts() -> None:
    parts = parts_of('(rate("a") >= 0.9) & (rate("b") <= 0.1)')
    assert [(str(part.statistic), part.better) for part in parts] == [('rate("a")', 1), ('rate("b")', -1)]
    assert parts_of('difference("x", "y", of=mean(0, 10)) >= 1') == (
        Part(statistic=mean(0, 10), better=0, arms=("x", "y")),
    )
