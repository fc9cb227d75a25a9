"""The exact law of a census: recorded outcomes looked at in random order, each once."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.law_census import census_law


def test_census_law_at_three_truths() -> None:
    futility = usual_futility(50)
    law = census_law(
        rate >= 0.5, futility=futility, design=Design(census=50, alpha=0.05, beta=0.05, max_units=50)
    )
    assert [(round(at.supported, 3), round(at.mean_n, 1)) for at in law([0.48, 0.5, 0.8])] == [
        (0.032, 46.6),
        (0.971, 46.5),
        (1.0, 12.7),
    ]
