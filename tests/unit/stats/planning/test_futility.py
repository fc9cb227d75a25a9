"""The exact law of a run as it is sampled: it also ends where a verdict has become unlikely."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.barrier import Barrier
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.exact.chances import chances_of
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.rules.rate import make_rate_rule


def test_usual_futility_looks_of_sixty_units() -> None:
    assert list(usual_futility(60).looks(60)) == [20, 30, 40, 50]
    assert list(usual_futility(60, below=0.0).looks(60)) == []


def test_futility_shortens_runs_at_the_threshold() -> None:
    rule = make_rate_rule(rate >= 0.3, Design(alpha=0.05, beta=0.05, max_units=200))
    [law] = law_with_futility(rule, usual_futility(200))([0.3])
    assert round(law.supported, 3) == 0.049
    assert round(law.mean_n) == 103


def test_chances_of_two_ones() -> None:
    two_ones = Barrier(1, lambda ones, zeros: ones, log_bar=2)
    chances = chances_of([two_ones], [], horizon=3, first_look=1, looks=[1, 2], prior=1)
    # by ones among two: after a one and a zero, a one comes by half
    assert chances[2][0].tolist() == [0.0, 0.5, 1.0]
    assert chances[1][0].round(3).tolist() == [0.167, 0.833]  # after a one: 2/3 + 1/3 * 1/2
