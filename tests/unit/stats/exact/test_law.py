"""The exact law of a sequential rule on 0/1 units: which verdict comes, and when."""

from __future__ import annotations

import numpy as np

from pytest_velo.stats.engine.barrier import Barrier
from pytest_velo.stats.exact.law import follow, race, unfold


def test_race_of_best_of_three() -> None:
    ones = Barrier(1, lambda ones, zeros: ones, log_bar=2)  # best of three: two ones, or two zeros
    zeros = Barrier(-1, lambda ones, zeros: zeros, log_bar=2)
    law = race([ones], [zeros], steps=3, first_look=1, chance=lambda units: np.array([[0.5], [0.9]]))
    assert law.supported.round(3).tolist() == [0.5, 0.972]
    assert law.mean_units.round(3).tolist() == [2.5, 2.18]


def test_unfold_tells_the_law_step_by_step() -> None:
    two_ones = Barrier(1, lambda ones, zeros: ones, log_bar=2)
    laws = unfold([two_ones], [], steps=3, first_look=1, chance=lambda units: np.array([[0.5]]))
    # two ones by the first toss, the second, the third
    assert [float(law.supported[0]) for law in laws] == [0.0, 0.25, 0.5]


def test_follow_crosses_at_two_ones() -> None:
    two_ones = Barrier(1, lambda ones, zeros: ones, log_bar=2)
    assert [edge.crossing.start for [edge], _ in follow([two_ones], [], steps=4, first_look=1)] == [
        2,
        2,
        2,
        2,
    ]
