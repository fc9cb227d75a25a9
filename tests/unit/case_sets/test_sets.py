"""The set of cases of one hypothesis: `cases=` read, checked, named and given digests."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies

from pytest_velo.case_sets.sets import cases, is_strategy, load


def test_cases_without_an_id_are_numbered() -> None:
    assert load(["2 + 2?", "3 + 3?"], base=Path()).ids == ("0", "1")


def test_cases_of_a_strategy_are_recognised() -> None:
    assert is_strategy(cases(strategies.integers(), n=5))
    assert not is_strategy(cases([1, 2]))
