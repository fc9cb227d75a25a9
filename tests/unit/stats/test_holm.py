import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_velo.errors import UsageError
from pytest_velo.stats.multiplicity import expected_false, holm
from support import textbook

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)
levels = st.sampled_from([0.01, 0.05, 0.2])


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
@settings(max_examples=30)
def test_holm_is_that_of_statsmodels(p, alpha):
    ours, theirs = holm(p, alpha), textbook.adjusted(p, alpha, "holm")
    assert ours.p_values == pytest.approx(theirs.p_values, rel=1e-12, abs=1e-300)
    clear = [abs(value - alpha) > 1e-12 for value in ours.p_values]
    for decided, our, their in zip(clear, ours.rejects, theirs.rejects, strict=True):
        assert our == their or not decided


@given(p=p_values, alpha=levels)
def test_holm_lies_between_bonferroni_and_benjamini_hochberg(p, alpha):
    careful, bold = (textbook.adjusted(p, alpha, method).p_values for method in ("bonferroni", "fdr_bh"))
    for most, ours, least in zip(careful, holm(p, alpha).p_values, bold, strict=True):
        assert least * (1 - 1e-12) <= ours <= most * (1 + 1e-12)


@given(p=p_values, alpha=levels)
def test_adjusted_p_values_decide_and_keep_the_order(p, alpha):
    adjusted = holm(p, alpha)
    assert adjusted.rejects == tuple(value <= alpha for value in adjusted.p_values)
    pairs = sorted(zip(p, adjusted.p_values, strict=True))
    assert [value for _, value in pairs] == sorted(adjusted.p_values)
    assert all(value >= raw * (1 - 1e-12) for raw, value in pairs)
    assert all(0.0 <= value <= 1.0 for value in adjusted.p_values)


def test_one_that_was_not_looked_at_counts():
    assert holm([0.02, 0.03], 0.05).rejects == (True, True)
    assert holm([0.02, 0.03, 1.0], 0.05).rejects == (False, False, False)


def test_families_of_none_and_the_expected_number_of_false_verdicts():
    assert holm([], 0.05).rejects == ()
    assert expected_false([0.05, 0.05, 0.01]) == pytest.approx(0.11)


@pytest.mark.parametrize(("p", "alpha"), [([1.2], 0.05), ([-0.1], 0.05), ([math.nan], 0.05), ([0.5], 0.0)])
def test_what_is_no_p_value_or_level_is_refused(p, alpha):
    with pytest.raises(UsageError, match=r"must (lie in \[0, 1\]|be between 0 and 1)"):
        holm(p, alpha)
