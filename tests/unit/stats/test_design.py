"""What a sequential rule is made from."""

from __future__ import annotations

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.design import check_design


def test_an_alpha_above_one_is_refused() -> None:
    check_design(alpha=0.05, beta=0.05, max_units=200, min_units=1)
    with pytest.raises(UsageError) as caught:
        check_design(alpha=5, beta=0.05, max_units=200, min_units=1)
    assert caught.value.what == "alpha lies between 0 and 1, got 5"
    assert caught.value.fix == "alpha=0.05"
