"""The chance that a run still gives a verdict, for the looks at which a run asks for it."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.exact.chances import Standing, chance_of_verdict


def test_chance_of_verdict() -> None:
    design = Design(rate >= 0.5, alpha=0.05, beta=0.05, max_units=200)
    chance = chance_of_verdict(design, Standing(ones=10, valid=20, invalid=0, latched=0))
    assert (None if chance is None else round(chance, 2)) == 0.43
