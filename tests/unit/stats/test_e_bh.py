"""e-BH against its definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.errors import UsageError
from pytest_velo.stats.multiplicity import e_bh, holm


def by_definition(values: list[float], alpha: float) -> list[bool]:
    m = len(values)
    ranked = sorted(values, reverse=True)
    k = max((k for k in range(1, m + 1) if ranked[k - 1] >= m / (alpha * k)), default=0)
    return [k > 0 and value >= m / (alpha * k) for value in values]


@given(st.lists(st.floats(0.01, 500.0), min_size=1, max_size=8), st.sampled_from([0.05, 0.2]))
def test_it_rejects_what_the_definition_rejects(values: list[float], alpha: float) -> None:
    m = len(values)
    near = any(abs(value * alpha * k / m - 1) < 1e-9 for value in values for k in range(1, m + 1))
    assert near or list(e_bh([math.log(value) for value in values], alpha).rejects) == by_definition(
        values, alpha
    )


def test_one_without_evidence_counts_as_nothing() -> None:
    assert e_bh([math.log(39.0), -math.inf], 0.05).rejects == (False, False)
    assert e_bh([math.log(41.0), -math.inf], 0.05).rejects == (True, False)
    assert e_bh([-math.inf], 0.05).p_values == (1.0,)


def test_many_that_came_half_way_stand_together_where_none_does_alone() -> None:
    values = [math.log(25.0)] * 4
    assert all(e_bh(values, 0.05).rejects)
    assert not any(holm([1 / 25] * 4, 0.05).rejects)


def test_a_level_outside_its_range_is_refused() -> None:
    with pytest.raises(UsageError):
        e_bh([0.0], 1.0)
