import pytest

from pytest_velo import check_sync, covariate, learned, load, rate, recorded
from pytest_velo.errors import UsageError

CASES = [{"id": f"q{n}", "n": n} for n in range(6)]


def is_odd(case):
    return case.n % 2 == 1


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(given, **more):
    return str(
        check_sync(rate >= 0.3, is_odd, cases=CASES, covariate=given, max_trials=200, **more).to_test()
    )


@pytest.mark.parametrize(
    ("given", "text", "names"),
    [
        ("n", 'covariate="n"', "rate"),
        (learned(), "covariate=learned()", "learned, rate"),
        (learned("n"), 'covariate=learned("n")', "learned, rate"),
        (
            covariate(learned(), correlation=0.8),
            "covariate=covariate(learned(), correlation=0.8)",
            "covariate, learned, rate",
        ),
        (covariate("n", missing=0), 'covariate=covariate("n", missing=0)', "covariate, rate"),
    ],
    ids=["field", "cases", "kinds", "correlation", "missing"],
)
def test_a_covariate_is_written_as_it_was_given(given, text, names):
    test = written(given)
    assert text in test
    assert f"from pytest_velo import {names}\n" in test


def test_an_earlier_run_is_named_and_a_function_is_refused():
    check_sync(rate >= 0.3, is_odd, cases=CASES, over="population")
    earlier = load().folder.name
    test = written(recorded(earlier, test="is_odd"), seed=1)
    assert f'covariate=recorded("{earlier}", test="is_odd")' in test
    with pytest.raises(UsageError, match="covariate= cannot be written"):
        written(lambda case: case.n)
