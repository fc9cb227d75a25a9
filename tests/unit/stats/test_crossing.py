"""Where the evidence crosses is guessed for many looks at once; it is the same as found look by look."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.boundary import Stretch, first_crossings, gains_at
from pytest_velo.stats.exact.crossing import cross

GRID = [
    pytest.param(nulls, log_c, first, last, id=f"{nulls[0]}-{log_c}-{first}-{last}")
    for nulls in ((0.5, 0.52), (0.05, 0.9), (0.97, 0.999), (0.003, 0.3))
    for log_c in (-0.5, 0.7, 2.3, 5.0)
    for first, last in ((1, 300), (40, 41), (150, 150))
]


@pytest.mark.parametrize(("nulls", "log_c", "first", "last"), GRID)
def test_edges_are_the_fewest_successes_that_cross(nulls, log_c, first, last) -> None:
    edges = first_crossings(gains_at(np.array(nulls)), Stretch(first, last, np.full(len(nulls), log_c)))
    for member, null in enumerate(nulls):
        for n in (first, (first + last) // 2, last - 1, last):
            if n < first:
                continue
            edge = int(edges[n - first, member])
            assert edge > n or log_e_counts(n, edge, null, 1) >= log_c
            assert edge == 0 or log_e_counts(n, edge - 1, null, 1) < log_c


@pytest.mark.parametrize(("nulls", "log_c", "first", "last"), GRID)
def test_the_chance_is_that_of_a_walk_from_look_to_look(nulls, log_c, first, last) -> None:
    found = cross(np.array(nulls), gains_at(np.array(nulls)), [Stretch(first, last, np.full(2, log_c))])
    for null, chance in zip(nulls, found.tolist(), strict=True):
        assert chance == pytest.approx(_walked(null, log_c, first, last), rel=1e-9, abs=1e-15)


def test_a_member_does_not_depend_on_the_others() -> None:
    nulls, log_c = np.linspace(0.1, 0.9, 9), np.linspace(1.0, 3.0, 9)
    together = cross(nulls, gains_at(nulls), [Stretch(1, 200, log_c)])
    for place in range(9):
        one = nulls[place : place + 1]
        assert cross(one, gains_at(one), [Stretch(1, 200, log_c[place : place + 1])])[0] == together[place]


def test_a_threshold_of_nothing_is_crossed_at_the_first_look() -> None:
    nulls = np.array([0.5])
    assert cross(nulls, gains_at(nulls), [Stretch(2, 90, np.array([-math.inf]))]).tolist() == [1.0]


def _walked(null: float, log_c: float, first: int, last: int) -> float:
    """Return the chance in plain floats, each look's evidence from the counts."""
    mass, crossed = {0: 1.0}, 0.0
    for n in range(1, last + 1):
        grown: dict[int, float] = {}
        for count, chance in mass.items():
            grown[count] = grown.get(count, 0.0) + chance * (1.0 - null)
            grown[count + 1] = grown.get(count + 1, 0.0) + chance * null
        mass = grown
        if n >= first:
            edge = next((count for count in sorted(mass) if log_e_counts(n, count, null, 1) >= log_c), n + 1)
            crossed += sum(mass.pop(count) for count in list(mass) if count >= edge)
            mass = {count: chance for count, chance in mass.items() if chance > 1e-30}
    return crossed
