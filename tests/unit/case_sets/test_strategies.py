"""Independent draws from a strategy of the Hypothesis library."""

from __future__ import annotations

from itertools import islice

from hypothesis import strategies

from pytest_velo.case_sets.strategies import draw_cases


def test_cases_are_drawn_the_same_for_a_seed() -> None:
    die = strategies.integers(1, 6)
    rolls = list(islice(draw_cases(die, seed=0), 4))
    assert set(rolls) <= {1, 2, 3, 4, 5, 6}
    assert rolls[:2] == list(islice(draw_cases(die, seed=0), 2))
