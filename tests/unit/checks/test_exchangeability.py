"""Evidence that the order of outcomes matters: what it says of sequences that anyone can read."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from pytest_velo.checks.exchangeability import OrderEvidence


def evidence_of(outcomes: Iterable[int]) -> OrderEvidence:
    found = OrderEvidence()
    for outcome in outcomes:
        found.add(bool(outcome))
    return found


def jeffreys(zeros: int, ones: int) -> float:
    """Return the probability of a sequence: after k ones of n, one comes with (k + 1/2) / (n + 1)."""
    chance, seen = 1.0, [0, 0]
    for outcome in [0] * zeros + [1] * ones:
        chance *= (seen[outcome] + 0.5) / (sum(seen) + 1)
        seen[outcome] += 1
    return chance


@pytest.mark.parametrize("exchangeable", [False, True])
def test_it_is_the_ratio_that_the_docstring_says(exchangeable: bool) -> None:
    outcomes = [1, 1, 0, 1, 1, 1, 0]  # marks at 4 and 6
    chain = 0.5 * jeffreys(0, 1) * jeffreys(2, 3)  # after 0 came 1; after 1 came 1, 0, 1, 1, 0
    change = (
        jeffreys(2, 5) / 3  # not yet
        + jeffreys(1, 3) * jeffreys(1, 2) / 2
        + jeffreys(1, 5) * jeffreys(1, 0) / 6
    )
    bound = 1 / math.comb(7, 5) if exchangeable else (5 / 7) ** 5 * (2 / 7) ** 2
    found = evidence_of(outcomes).log_e(exchangeable=exchangeable)
    assert found == pytest.approx(math.log((chain + change) / 2 / bound))


def test_nothing_is_no_evidence() -> None:
    assert OrderEvidence().log_e(exchangeable=False) == 0.0


@pytest.mark.parametrize(
    "outcomes",
    [[0, 1] * 30, [0] * 30 + [1] * 30, ([1] * 6 + [0] * 6) * 5],
    ids=["alternating", "changing once", "in runs"],
)
def test_an_order_shows(outcomes: list[int]) -> None:
    found = evidence_of(outcomes)
    assert found.log_e(exchangeable=True) > math.log(1000)
    assert found.log_e(exchangeable=False) > found.log_e(exchangeable=True)


def test_outcomes_that_are_all_the_same_say_nothing_of_their_order() -> None:
    assert evidence_of([1] * 200).log_e(exchangeable=False) <= 0.0


def test_where_a_rate_changed_is_told() -> None:
    found = evidence_of([0, 0, 0, 0, 1, 0] * 4 + [1, 1, 1, 1, 1, 0] * 6)
    assert found.change == (24, 4, 30)
    assert not found.follows
    assert evidence_of([0, 1] * 30).follows


def test_marks_are_at_4_6_8_12_16_and_so_on() -> None:
    for at in (4, 6, 8, 12, 16, 24, 32):
        assert evidence_of([0] * at + [1] * at).change[0] == at
