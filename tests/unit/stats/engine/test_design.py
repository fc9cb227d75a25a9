"""What the rule of a claim is made with."""

from __future__ import annotations

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.design import MAX_CALIBRATED_UNITS, Design


@pytest.mark.parametrize("level", ["alpha", "beta"])
def test_an_error_rate_lies_between_0_and_1(level: str) -> None:
    with pytest.raises(UsageError) as caught:
        Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 200, level: 5})
    assert level in caught.value.what
    assert caught.value.fix == f"{level}=0.05"


@pytest.mark.parametrize("min_units", [0, 201])
def test_the_first_verdict_comes_within_the_horizon(min_units: int) -> None:
    with pytest.raises(UsageError) as caught:
        Design(alpha=0.05, beta=0.05, max_units=200, min_units=min_units)
    assert str(min_units) in caught.value.what
    assert "min_trials" in (caught.value.fix or "")


def test_only_single_trials_up_to_a_fixed_horizon_are_calibrated() -> None:
    def calibrates(**design: object) -> bool:
        return Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 200, **design}).calibrates

    assert calibrates()
    assert calibrates(max_units=MAX_CALIBRATED_UNITS)
    assert not calibrates(max_units=MAX_CALIBRATED_UNITS + 1)
    assert not calibrates(single=False)
    assert not calibrates(extend=True)
