import pytest

from pytest_velo.errors import UsageError
from pytest_velo.stats.intervals import clopper_pearson, wilson


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_ends_are_exact_at_the_ends_of_the_scale(interval):
    none, every = interval(0, 9, 0.9), interval(9, 9, 0.9)
    assert none.low == 0.0 < none.high < 1.0
    assert 0.0 < every.low < 1.0 == every.high
    assert every.low == pytest.approx(1 - none.high, abs=1e-12)
    assert none.level == 0.9


def test_clopper_pearson_holds_its_level_exactly():
    from scipy.stats import binom

    n, level = 25, 0.9
    intervals = [clopper_pearson(s, n, level) for s in range(n + 1)]
    for p in (0.01, 0.1, 0.33, 0.5, 0.77, 0.99):
        covered = sum(binom.pmf(s, n, p) for s, i in enumerate(intervals) if i.low <= p <= i.high)
        assert covered >= level


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize(("successes", "n", "level"), [(1, 0, 0.9), (-1, 5, 0.9), (6, 5, 0.9), (1, 5, 1.0)])
def test_nonsense_is_refused(interval, successes, n, level):
    with pytest.raises(UsageError):
        interval(successes, n, level)


@pytest.mark.parametrize("n", [1, 2, 7, 50, 1000, 20_000])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.999])
def test_they_are_those_of_scipy(n, level):
    from scipy.stats import binomtest

    for successes in {0, 1, n // 3, n - 1, n}:
        test = binomtest(successes, n)
        for ours, method in ((clopper_pearson, "exact"), (wilson, "wilson")):
            theirs = test.proportion_ci(level, method=method)
            interval = ours(successes, n, level)
            assert interval.low == pytest.approx(theirs.low, rel=0, abs=1e-12)
            assert interval.high == pytest.approx(theirs.high, rel=0, abs=1e-12)
