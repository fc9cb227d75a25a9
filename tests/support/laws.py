"""Laws of designs as single tests ask for them."""

from __future__ import annotations

from pytest_velo.claims import Claim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.law import pair_laws
from pytest_velo.stats.planning.operating import OperatingCharacteristics


def pair_law(claim: Claim, p_up: float, p_down: float, design: Design) -> OperatingCharacteristics:
    """Return the law of pairs of which so many go up, and so many down."""
    [law] = pair_laws(claim, [(p_up, p_down)], design)
    return law
