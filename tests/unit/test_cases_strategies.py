"""Cases out of strategies of the Hypothesis library: independent, seeded, and nothing left behind."""

import math
import random
import warnings
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS

from pytest_velo.case_sets import cases, is_strategy, load, pick_order
from pytest_velo.case_sets.backend import Plain, plain_float, plain_integer
from pytest_velo.case_sets.strategies import draw_cases
from pytest_velo.errors import UsageError


def draw(strategy, n, seed=0):
    return list(islice(draw_cases(strategy, seed), n))


def test_a_strategy_is_told():
    assert is_strategy(st.integers())
    assert is_strategy(cases(st.integers(), n=5))


def test_draws_depend_on_the_seed_alone_and_grow_without_changing():
    strategy = st.tuples(st.text(), st.floats(), st.integers(), st.binary())
    assert draw(strategy, 10, seed=1) == draw(strategy, 30, seed=1)[:10]
    assert draw(strategy, 10, seed=2) != draw(strategy, 10, seed=1)


def test_the_modules_that_happen_to_be_imported_do_not_matter(tmp_path, monkeypatch):
    # The library's own generator takes "nasty" constants out of local modules.
    before = draw(st.lists(st.integers(), min_size=5), 40)
    (tmp_path / "local_constants.py").write_text("".join(f"X{n} = {10**6 + n}\n" for n in range(500)))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    __import__("local_constants")
    assert draw(st.lists(st.integers(), min_size=5), 40) == before


@pytest.mark.parametrize("strategy", [st.booleans(), st.sampled_from(range(4)), st.integers(0, 3)], ids=str)
def test_small_choices_are_even(strategy):
    counts = Counter(draw(strategy, 200))
    share = 200 / len(counts)
    assert len(counts) == len({int(value) for value in counts}) >= 2
    chi_square = sum((count - share) ** 2 / share for count in counts.values())
    assert chi_square < 16.3  # 0.1% point at 3 degrees of freedom; the seed is fixed


def test_neighbours_are_independent():
    values = draw(st.booleans(), 200)
    repeats = sum(left == right for left, right in pairwise(values))
    assert abs(repeats - 99.5) < 3.3 * math.sqrt(199 / 4)


def test_floats_are_uniform_between_bounds():
    values = draw(st.floats(0, 1), 200)
    assert abs(sum(values) / 200 - 0.5) < 3.3 * math.sqrt(1 / 12 / 200)
    assert len(set(values)) == 200


def test_one_value_only():
    assert draw(st.just("x"), 3) == ["x", "x", "x"]


def test_composites_filters_and_structures_keep_their_meaning():
    @st.composite
    def sums(draw):
        left = draw(st.integers(1, 9))
        right = draw(st.integers(1, 9).filter(lambda n: n != left))
        return {"question": f"{left} + {right}?", "answer": left + right}

    for case in draw(sums(), 50):
        left, right = map(int, case["question"].rstrip("?").split(" + "))
        assert case["answer"] == left + right
        assert left != right
    assert all(len(text) <= 3 for text in draw(st.text(max_size=3), 50))
    assert all(name.isascii() for name in draw(st.text(alphabet="abc", min_size=1), 50))
    assert all(value >= 5.5 for value in draw(st.floats(min_value=5.5), 50))


@pytest.mark.parametrize(
    "strategy", [st.nothing(), st.integers(0, 9).map(lambda n: 1 // 0)], ids=["none", "bug"]
)
def test_a_strategy_that_gives_nothing_is_an_error(strategy):
    with pytest.raises(UsageError, match="strategy"):
        draw(strategy, 1)


def test_a_strategy_that_rejects_nearly_everything_is_an_error():
    with pytest.raises(UsageError, match="strategy"):
        draw(st.integers(0, 10**9).filter(lambda n: str(n) == "123456789"), 1)


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known, default = dict(AVAILABLE_PROVIDERS), hypothesis.settings.default
    state = random.getstate()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(st.integers(), 5)
    assert known == AVAILABLE_PROVIDERS
    assert hypothesis.settings.default is default
    assert random.getstate() == state
    assert not (tmp_path / ".hypothesis").exists()


def test_a_strategy_as_cases():
    loaded = load(st.fixed_dictionaries({"n": st.integers(0, 99)}), base=Path(), seed=1, max_n=25)
    assert (len(loaded), loaded.default_over, loaded.endless) == (25, "population", True)
    assert all(0 <= case.n < 100 for case in loaded.items)
    assert [trial.case for trial in pick_order(loaded, "population", seed=1)] == list(loaded.items)


@pytest.mark.parametrize("low", [None, -3, 5])
@pytest.mark.parametrize("high", [None, 5, 9])
def test_integers_stay_in_bounds(low, high):
    source = random.Random(0)
    for _ in range(200):
        value = plain_integer(source, low, high)
        assert low is None or value >= low
        assert high is None or value <= high


@pytest.mark.parametrize(("low", "high"), [(-1e308, 1e308), (-math.inf, 2.0), (1.0, math.inf), (0.5, 0.75)])
def test_floats_stay_in_bounds(low, high):
    source = random.Random(0)
    assert all(low <= plain_float(source, low, high) <= high for _ in range(200))


def test_weights_and_small_magnitudes_are_kept():
    Plain.start(0)
    backend = Plain(None)
    values = Counter(backend.draw_integer(0, 9, weights={3: 0.9}) for _ in range(1000))
    assert 880 <= values[3] <= 940
    limits = {"min_value": -1e-9, "max_value": 1e-9, "allow_nan": False, "smallest_nonzero_magnitude": 0.5}
    assert backend.draw_float(**limits) == 0.0
