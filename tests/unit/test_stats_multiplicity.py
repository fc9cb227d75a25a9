import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.errors import UsageError
from pytest_velo.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    e_bh,
    e_bh_target,
    expected_false,
    holm,
)

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)
levels = st.sampled_from([0.01, 0.05, 0.2])
PROCEDURES = [holm, bonferroni, benjamini_hochberg, benjamini_yekutieli]


@given(p=p_values, alpha=levels)
def test_holm_rejects_what_its_definition_says(p, alpha):
    order = sorted(range(len(p)), key=p.__getitem__)
    rejected = set()
    for rank, place in enumerate(order):
        if p[place] * (len(p) - rank) > alpha:
            break
        rejected.add(place)
    assert {place for place, yes in enumerate(holm(p, alpha).rejects) if yes} == rejected


@given(p=p_values, alpha=levels)
def test_bolder_procedures_reject_more(p, alpha):
    bonferroni_, holm_, bh = (f(p, alpha).rejects for f in (bonferroni, holm, benjamini_hochberg))
    for less, more in ((bonferroni_, holm_), (holm_, bh), (benjamini_yekutieli(p, alpha).rejects, bh)):
        assert all(b or not a for a, b in zip(less, more, strict=True))


@given(p=p_values, alpha=levels)
def test_adjusted_p_values_decide_and_keep_the_order(p, alpha):
    for procedure in PROCEDURES:
        adjusted = procedure(p, alpha)
        assert adjusted.rejects == tuple(value <= alpha for value in adjusted.p_values)
        pairs = sorted(zip(p, adjusted.p_values, strict=True))
        assert [value for _, value in pairs] == sorted(adjusted.p_values)
        assert all(value >= raw * (1 - 1e-12) for raw, value in pairs)
        assert all(0.0 <= value <= 1.0 for value in adjusted.p_values)


@given(st.lists(st.floats(-5, 12), min_size=1, max_size=10), levels)
def test_e_bh_rejects_the_largest_that_reach_their_common_target(logs, alpha):
    rejects = e_bh(logs, alpha)
    count = sum(rejects)
    if count:
        target = e_bh_target(len(logs), count, alpha)
        assert all(value >= target for value, yes in zip(logs, rejects, strict=True) if yes)
    for k in range(count + 1, len(logs) + 1):
        assert sum(value >= e_bh_target(len(logs), k, alpha) for value in logs) < k


def test_one_that_was_not_looked_at_counts():
    assert holm([0.02, 0.03], 0.05).rejects == (True, True)
    assert holm([0.02, 0.03, 1.0], 0.05).rejects == (False, False, False)
    assert e_bh([math.log(41), math.log(30)], 0.05) == (True, True)
    assert e_bh([math.log(41), math.log(29), -math.inf], 0.05) == (False, False, False)


def test_families_of_none_and_the_expected_number_of_false_verdicts():
    assert holm([], 0.05).rejects == e_bh([], 0.05) == ()
    assert expected_false([0.05, 0.05, 0.01]) == pytest.approx(0.11)


@pytest.mark.parametrize("procedure", PROCEDURES)
@pytest.mark.parametrize(("p", "alpha"), [([1.2], 0.05), ([-0.1], 0.05), ([math.nan], 0.05), ([0.5], 0.0)])
def test_what_is_no_p_value_or_level_is_refused(procedure, p, alpha):
    with pytest.raises(UsageError, match=r"lies in \[0, 1\]|lies between 0 and 1"):
        procedure(p, alpha)
    with pytest.raises(UsageError, match="lies between 0 and 1"):
        e_bh([0.0], 1.0)
