"""Searches where no case breaks the claim, and every case is as near to it as it may be: at the null's edge.

Whatever the search finds there is wrong, and it finds a lot: it looks for cases that fail by luck. What it
confirms must stay within beta, over all of its findings together.
"""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
from scipy.stats import binom

from pytest_velo.claims import Claim, each_case, rate
from pytest_velo.records import Invalid
from pytest_velo.searching.candidates import Fresh, candidate_of
from pytest_velo.searching.confirmation import Confirmation, share_of
from pytest_velo.searching.hunt import Answer, Hunt
from pytest_velo.searching.search import search
from pytest_velo.searching.shrinking import by_words, greedily
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.engine.screening import DROP, KEEP, MOST_TRIALS, Screen

BETA = 0.05
CASES = [candidate_of(f"case {number:04}", number) for number in range(1_000)]


def most(n_runs: int) -> int:
    """Seeded, so it cannot flake. A search that errs with just beta shows no more with 998 seeds of 1,000."""
    return int(binom.ppf(0.998, n_runs, BETA))


def play(hunt: Hunt, share: float, seed: int, p_invalid: float = 0.0) -> Hunt:
    """Play a search to its end where every trial of every case is against the claim with one probability."""
    rng = random.Random(seed)
    while hunt.stage:
        for ask in [*hunt.stage]:
            against: bool | None = rng.random() < share
            if not against and rng.random() < p_invalid:
                against = None  # those for the claim are lost
            hunt.take(Answer(candidate=ask.candidate, against=against))
    return hunt


@pytest.mark.parametrize(
    ("claim", "p_invalid", "n_runs"),
    [(rate >= 0.5, 0.0, 1_000), (rate <= 0.2, 0.0, 500), (rate >= 0.5, 0.3, 300)],
    ids=["at_least", "at_most", "invalid"],
)
def test_a_search_confirms_a_case_that_holds_at_most_at_beta(
    claim: Claim, p_invalid: float, n_runs: int
) -> None:
    about = each_case(claim)
    n_wrong, n_fooled = 0, 0
    for seed in range(n_runs):
        hunt = Hunt(
            search(["listed below"], confirm=40),
            about,
            max_trials=600,
            alpha=0.05,
            beta=BETA,
            source=Fresh(iter(CASES)),
        )
        play(hunt, about.allowed, seed, p_invalid)
        n_wrong += hunt.n_confirmed > 0
        n_fooled += len(hunt.pursued) > 1
    assert n_wrong <= most(n_runs)
    assert n_fooled > n_runs / 2  # the draws that chose the cases say otherwise, again and again


def test_two_hundred_searches_with_shrinking_confirm_nothing_more_often_than_beta() -> None:
    rng = random.Random(0)
    phrases = [" ".join(rng.choices("abcdefghijklmnop", k=5)) for _ in range(400)]
    texts = [candidate_of(text, number) for number, text in enumerate(dict.fromkeys(phrases))]
    n_wrong = n_shrunk = 0
    for seed in range(200):
        hunt = Hunt(
            search(["listed above"], confirm=30),
            each_case(rate >= 0.5),
            max_trials=400,
            alpha=0.05,
            beta=BETA,
            source=Fresh(iter(texts)),
            shrinker=partial(greedily, by_words),
        )
        play(hunt, 0.5, seed)
        n_wrong += hunt.n_confirmed > 0
        n_shrunk += any(pursued.smallest != pursued.found for pursued in hunt.pursued)
    assert n_shrunk > 30
    assert n_wrong <= most(200)


@pytest.mark.parametrize("claim", [rate >= 0.5, rate <= 0.05, rate >= 0.95], ids=str)
@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_confirmation_keeps_its_share_exactly(claim: Claim, number: int) -> None:
    """By dynamic programming over the counts, at the edge of "it holds on this case"."""
    level, n_most = share_of(BETA, number), 60
    confirmation = Confirmation(claim, level=level, alpha=0.05, most=n_most, invalid=Invalid.BOUND)
    for_it, against_it = confirmation._rule.boundaries()
    at_most = claim.high is not None
    threshold = claim.high if claim.high is not None else claim.low
    assert threshold is not None
    law, p_refuted = np.array([1.0]), 0.0  # by the number of ones
    for n in range(1, n_most + 1):
        law = np.append(law, 0.0) * (1 - threshold) + np.append(0.0, law) * threshold
        for ones in range(n + 1):
            up, down = (log_e_counts(n, ones, threshold, 1), log_e_counts(n, ones, threshold, -1))
            supports, refutes = (down, up) if at_most else (up, down)
            if refutes >= against_it:
                p_refuted += law[ones]
            if refutes >= against_it or supports >= for_it:
                law[ones] = 0.0
    assert p_refuted <= level * (1 + 1e-9)
    assert p_refuted > level / 3  # it is used


@pytest.mark.parametrize("allowed", [0.05, 0.3, 0.5])
def test_the_errors_of_screening_are_what_it_says(allowed: float) -> None:
    """By dynamic programming: kept at the edge at most 1/KEEP, dropped in the middle at most 1/DROP."""
    kept, _ = _law_of_screening(allowed, allowed)
    _, dropped = _law_of_screening(allowed, (1 + allowed) / 2)
    assert kept <= 1 / KEEP
    assert dropped <= 1 / DROP


def _law_of_screening(allowed: float, share: float) -> tuple[float, float]:
    """Return P(kept) and P(dropped before the last trial) of a case, with what its trials are against."""
    p_kept = p_dropped = 0.0
    states = {(0, 0): 1.0}
    while states:
        after: dict[tuple[int, int], float] = {}
        for (n, n_against), p in states.items():
            for against, chance in ((1, share), (0, 1 - share)):
                place = n + 1, n_against + against
                screen = Screen(allowed)
                for number in range(place[0]):
                    screen.feed(number < place[1])
                found = screen.breaks(DROP)
                if found is None:
                    after[place] = after.get(place, 0.0) + p * chance
                elif found:
                    p_kept += p * chance
                elif place[0] < MOST_TRIALS:
                    p_dropped += p * chance
        states = after
    return p_kept, p_dropped
