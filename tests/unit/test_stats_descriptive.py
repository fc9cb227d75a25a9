import pytest
from pytest_velo.stats.descriptive import clustered_error, mcnemar_p, newcombe, standard_error, unpaired_p
from pytest_velo.stats.fixed_n import exact_design, n_paired

from pytest_velo.errors import UsageError
from pytest_velo.stats import fixed_n


def test_values_in_step_count_once_a_cluster():
    """Ten copies of each of four values are worth four."""
    values = [value for value in (0.1, 0.5, 0.7, 0.9) for _ in range(10)]
    clusters = [place for place in range(4) for _ in range(10)]
    error = clustered_error(values, clusters)
    assert error.cr1 == pytest.approx(standard_error([0.1, 0.5, 0.7, 0.9]))
    assert error.design_effect == pytest.approx(10 * 39 / 40)


@pytest.mark.parametrize(("values", "clusters"), [([1, 0], [0, 0]), ([1, 0], [0]), ([], [])])
def test_too_few_clusters_are_refused(values, clusters):
    with pytest.raises(UsageError, match="no clustered error"):
        clustered_error(values, clusters)


def test_one_value_has_no_standard_error():
    with pytest.raises(UsageError, match="no standard error of 1 values"):
        standard_error([0.5])


def test_no_discordant_pair_says_nothing():
    assert mcnemar_p(0, 0) == 1.0
    assert mcnemar_p(3, 9) == mcnemar_p(9, 3)


def test_unpaired_rates_that_are_all_the_same():
    assert unpaired_p(10, 10, 10, 10)["score"] == 1.0
    interval = newcombe(10, 10, 10, 10, 0.95)
    assert interval.low == -interval.high < 0


def test_values_that_are_all_the_same_have_no_design_effect():
    assert clustered_error([0.5] * 4, [0, 0, 1, 1]).design_effect is None


def test_no_trials_have_no_interval():
    with pytest.raises(UsageError, match="no interval for 0 of 0 trials"):
        newcombe(0, 0, 1, 10, 0.95)


def test_a_fixed_design_is_the_smallest_with_its_power():
    from scipy.stats import binom

    design = exact_design(0.6, 0.8, 0.05, 0.8)
    for n in range(1, design.n):
        needed = binom.isf(0.05, n, 0.6) + 1
        assert binom.sf(needed - 1, n, 0.8) < 0.8
    assert design.size <= 0.05
    assert design.power >= 0.8


def test_sides_of_a_fixed_design_are_mirror_images():
    assert exact_design(0.3, 0.45, 0.05, 0.8).n == exact_design(0.7, 0.55, 0.05, 0.8).n
    assert exact_design(0.02, 0.0, 0.05, 0.8).n == 149


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.3, 0.3, 0.05, 0.8), "no sample size"),
        ((0.0, 0.3, 0.05, 0.8), "no sample size"),
        ((0.3, 0.4, 0.0, 0.8), "no sample size"),
        ((0.5, 0.501, 0.05, 0.9), "over 2,000 trials"),
    ],
)
def test_designs_out_of_range_are_refused(monkeypatch, arguments, message):
    monkeypatch.setattr(fixed_n, "MOST_TRIALS", 2_000)
    with pytest.raises(UsageError, match=message):
        exact_design(*arguments)


def test_the_t_test_needs_a_few_pairs_more():
    normal, student = n_paired(1.0, 0.5, 0.05, 0.9)
    assert normal < student < normal + 4
    assert n_paired(1.0, -0.5, 0.05, 0.9) == (normal, student)
