"""Where cases come from: each kind of source as an iterator of located rows."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies

from pytest_velo.case_sets.sources import is_strategy, open_source


def test_lists_and_generators_are_opened() -> None:
    assert list(open_source(["2 + 2?", "3 + 3?"], Path(), seed=0).rows) == [
        ("case 0", "2 + 2?"),
        ("case 1", "3 + 3?"),
    ]

    def sums(rng):
        while True:
            yield f"{rng.randint(1, 9)} + {rng.randint(1, 9)}?"

    opened = open_source(sums, Path(), seed=0)
    assert opened.generated
    assert opened.endless
    assert next(opened.rows) == next(open_source(sums, Path(), seed=0).rows)


def test_strategies_are_recognised() -> None:
    assert is_strategy(strategies.booleans())
    assert not is_strategy([True, False])
