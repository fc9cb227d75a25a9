"""The step-down over e-values, against the closure that it stands for."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.stats.contest.stepdown import rejected


def by_closure(values: list[float], level: float) -> list[bool]:
    """Reject what every set that contains it rejects by its average."""
    n = len(values)
    sets = [each for size in range(1, n + 1) for each in combinations(range(n), size)]
    fails = [each for each in sets if sum(values[i] for i in each) / len(each) < 1 / level]
    return [not any(i in each for each in fails) for i in range(n)]


@given(st.lists(st.floats(0.01, 300.0), min_size=1, max_size=6), st.sampled_from([0.05, 0.2]))
def test_it_rejects_what_the_closure_rejects(values: list[float], level: float) -> None:
    expected = by_closure(values, level)
    found = rejected(np.log(values), level).tolist()
    near = any(abs(sum(c) / len(c) * level - 1) < 1e-9 for k in range(1, 7) for c in combinations(values, k))
    assert near or found == expected


def test_one_that_is_rejected_makes_room_for_the_others() -> None:
    assert rejected(np.log([45.0, 1e9, 0.01]), 0.05).tolist() == [True, True, False]
    assert rejected(np.log([39.0, 0.5, 0.01]), 0.05).tolist() == [False, False, False]


def test_the_first_needs_the_average_of_all_and_those_that_follow_less() -> None:
    assert rejected(np.log([60.0, 70.0, 1.0]), 0.05).tolist() == [True, True, False]
    assert rejected(np.log([59.0, 1.0, 1.0]), 0.05).tolist() == [True, False, False]  # their average is 20.33
    assert rejected(np.log([57.0, 1.0, 1.0]), 0.05).tolist() == [False, False, False]
