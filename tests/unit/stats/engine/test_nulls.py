"""From a claim to the nulls that are tested: what must be rejected to support it, and what to refute it."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.nulls import Null, Nulls, nulls_of


def test_nulls_of_a_claim_with_a_margin() -> None:
    assert nulls_of(rate >= 0.5, 0.25) == Nulls(
        support=(Null(threshold=0.25, side=1),), refute=(Null(threshold=0.5, side=-1),)
    )
