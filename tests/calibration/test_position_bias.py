"""Position bias is told of models that answer by content at most 1% of the time, however a run is stopped.

Ville's inequality (1939) bounds the chance that a martingale of a fair coin ever reaches 1/alpha. A run stops
where its verdict says, which goes by the answers: so the test is held against stops that look at them.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from pytest_velo.checks.position import ALPHA, Pick, by_label, swapped
from pytest_velo.checks.signs import log_evidence

N = 20_000
N_WHOLE = 2_000
PAIRS = 100


@pytest.fixture(scope="module")
def signs() -> np.ndarray:
    """Return signs of pairs of answers to questions of two options, of a model with opinions and noise.

    In each of `N` runs, every question has its own chance of its first option, in whatever order it stands.
    """
    rng = np.random.default_rng(20_261_130)
    chance = rng.beta(0.7, 0.7, size=(N, PAIRS))
    first_at_a = rng.random((N, PAIRS)) < chance  # the order tea, milk: A is tea
    first_at_b = rng.random((N, PAIRS)) < chance  # the order milk, tea: B is tea
    return first_at_a.astype(int) - first_at_b  # both A, both B, or the same content


def test_looking_after_every_pair_errs_as_seldom_as_it_says(signs: np.ndarray) -> None:
    """The e-value may be looked at after each pair; a test for one look may not, and would err."""
    heads, tails = np.cumsum(signs > 0, axis=1), np.cumsum(signs < 0, axis=1)
    table = np.array([[log_evidence(h, t) for t in range(PAIRS + 1)] for h in range(PAIRS + 1)])
    for_a, for_b = table[heads, tails], table[tails, heads]
    mean = np.logaddexp(for_a, for_b) - math.log(2)
    wrong = int((mean >= math.log(1 / ALPHA)).any(axis=1).sum())
    assert binomtest(wrong, N, ALPHA, alternative="greater").pvalue > 1e-6
    one_look = binom.sf(np.maximum(heads, tails) - 1, heads + tails, 0.5) * 2
    often_wrong = int((one_look < ALPHA).any(axis=1).sum())
    assert binomtest(often_wrong, N, ALPHA, alternative="greater").pvalue < 1e-6


def _picks(rng: np.random.Generator, n: int) -> list[Pick]:
    """Return answers by content: first all questions in one order, then again in the other."""
    chance = rng.beta(0.7, 0.7, size=n)
    there = [_pick(index, ("tea", "milk"), rng.random() < chance[index]) for index in range(n)]
    back = [_pick(index, ("milk", "tea"), rng.random() < chance[index]) for index in range(n)]
    return there + back


def _pick(index: int, options: tuple[str, ...], is_tea: bool, right: int | None = None) -> Pick:
    place = options.index("tea" if is_tea else "milk")
    return Pick(
        trial=index,
        case=str(index),
        stem=index,
        options=options,
        marks=("a", "b"),
        place=place,
        right=right,
    )


def test_stopping_when_a_leads_errs_no_oftener() -> None:
    """Many pairs are half in when a run stops, and what their first halves say may be why it does."""
    rng = np.random.default_rng(7)
    wrong = careless = 0
    for _ in range(N_WHOLE):
        picks = _picks(rng, PAIRS)
        back = picks[PAIRS:]
        signs = [1 - first.place - other.place for first, other in zip(picks, back, strict=False)]
        stop = int(np.argmax(np.abs(np.cumsum(signs)) / np.sqrt(1 + np.cumsum(np.abs(signs))))) + 1
        seen = picks[: PAIRS + stop]
        wrong += swapped(seen)[0] is not None
        n_a, n_b = _complete(seen)
        careless += n_a + n_b > 0 and binom.sf(max(n_a, n_b) - 1, n_a + n_b, 0.5) * 2 < ALPHA
    assert binomtest(wrong, N_WHOLE, ALPHA, alternative="greater").pvalue > 1e-6
    assert binomtest(careless, N_WHOLE, ALPHA, alternative="greater").pvalue < 1e-6


def _complete(picks: list[Pick]) -> tuple[int, int]:
    places: dict[object, list[int | None]] = {}
    for pick in picks:
        places.setdefault(pick.stem, []).append(pick.place)
    return sum(each == [0, 0] for each in places.values()), sum(each == [1, 1] for each in places.values())


def test_right_answers_in_random_places_err_no_oftener() -> None:
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(N_WHOLE):
        share_at_a, skill = rng.uniform(0.2, 0.8), rng.uniform()
        picks = []
        for index in range(100):
            right = int(rng.random() > share_at_a)
            place = right if rng.random() < skill else 1 - right
            picks.append(_pick(index, ("tea", "milk"), place == 0, right=right))
        wrong += by_label(picks) is not None
    assert binomtest(wrong, N_WHOLE, ALPHA, alternative="greater").pvalue > 1e-6
