"""The range of a statistic's values, and its map to [0, 1], where everything is computed."""

from __future__ import annotations

from pytest_velo.claims.scale import Scale


def test_scale_maps_to_the_unit_interval_and_back() -> None:
    assert Scale(-1.0, 1.0).to_unit(0.0) == 0.5
    assert Scale(0.0, 10.0).from_unit(0.7) == 7.0
