"""The power of units that are means: the rule in numpy is the rule, and its laws are those that are named."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from pytest_velo import difference, rate
from pytest_velo.claims import Claim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.clusters import (
    N_RUNS,
    SEED,
    Clusters,
    Likeness,
    decided_at,
    laws_at,
    likenesses,
    power_at,
    smallest_seen,
    units_needed,
)
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.verdicts import Verdict


def units_of(claim: Claim, sizes: tuple[int, ...], **changes: float) -> Clusters:
    design = Design(alpha=0.05, beta=0.08, max_units=len(sizes), single=False, **changes)  # type: ignore[arg-type]
    return Clusters(claim=claim, design=design, unit="group", sizes=sizes)


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (rate >= 0.5, {}),
        (rate <= 0.3, {"min_units": 9}),
        (rate >= 0.6, {"margin": 0.2}),
        (rate.within(0.2, 0.8), {}),
        (difference("a", "b") >= 0.1, {}),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_simulated_run_is_decided_where_the_rule_decides(
    claim: Claim, changes: dict[str, float], whole: bool
) -> None:
    """The outcomes of the simulation, drawn again from its seed, fed to the rule itself."""
    sizes = (1, 5, 3) * 8
    units = units_of(claim, sizes, **changes)
    likeness = likenesses(units)[0 if whole else 1]
    truth = 0.45 if claim.statistic.arms else 0.8
    supported, refuted = decided_at(units, likeness, truth, len(sizes))
    rng = np.random.default_rng(SEED)
    chances = [np.cumsum(likeness.law(truth, size)) for size in sizes]
    places = [np.searchsorted(chance, rng.random(N_RUNS), side="right") for chance in chances]
    kinds = set()
    for run in range(0, N_RUNS, 20):
        rule, decided = rule_for(claim, units.design), (len(sizes) + 1, len(sizes) + 1)
        for n, (place, chance) in enumerate(zip(places, chances, strict=True), start=1):
            value = float(place[run] / (len(chance) - 1))
            verdict = rule.feed(value, value)
            if verdict is not None:
                decided = (n, decided[1]) if verdict is Verdict.SUPPORTED else (decided[0], n)
                break
        kinds.add(rule.verdict)
        assert (supported[run], refuted[run]) == decided
    assert kinds - {None}


def test_independent_trials_have_the_law_of_their_mean() -> None:
    free = Likeness(told="", whole=False)
    law = free.law(0.3, 10)
    assert law == pytest.approx([math.comb(10, k) * 0.3**k * 0.7 ** (10 - k) for k in range(11)])
    assert Likeness(told="", whole=True).law(0.3, 10) == pytest.approx([0.7, 0.3])


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("size", [1, 7])
def test_pairs_have_the_mean_that_they_are_said_to_have(place: int, size: int) -> None:
    likeness = likenesses(units_of(difference("a", "b") >= 0, (size,)))[place]
    for truth in (-0.9, 0.0, 0.2):
        law = likeness.law(truth, size)
        assert law.sum() == pytest.approx(1.0)
        assert law @ np.linspace(-1, 1, len(law)) == pytest.approx(truth)
        assert (law >= 0).all()


def test_power_rises_with_the_truth_and_with_the_units() -> None:
    units = units_of(rate >= 0.5, (8,) * 20)
    for likeness in likenesses(units):
        powers = [law.supported for law in laws_at(units, likeness, [0.4, 0.5, 0.6, 0.7, 0.9])]
        assert all(before <= after for before, after in pairwise(powers))
        assert powers[1] <= 0.05
        assert power_at(units_of(rate >= 0.5, (8,) * 40), likeness, 0.7) > powers[3]


def test_what_is_needed_does_not_depend_on_what_there_is() -> None:
    few, many = units_of(rate >= 0.5, (8,) * 10), units_of(rate >= 0.5, (8,) * 60)
    free = likenesses(few)[1]
    needed = units_needed(few, free, 0.6)
    assert needed == units_needed(many, free, 0.6)
    assert needed is not None
    assert power_at(many, free, 0.6) > 0.8 > power_at(few, free, 0.6)
    exactly = units_of(rate >= 0.5, (8,) * needed)
    assert 0.8 <= power_at(exactly, free, 0.6) < 0.84


def test_a_number_that_is_out_of_sight_is_none() -> None:
    units = units_of(rate >= 0.5, (2,) * 10)
    assert units_needed(units, likenesses(units)[0], 0.505) is None


def test_nothing_may_be_seen_at_all() -> None:
    units = units_of(rate <= 0.05, (8,) * 59)
    assert smallest_seen(units, likenesses(units)[0]) is None
    seen = smallest_seen(units_of(rate <= 0.3, (8,) * 30), likenesses(units)[1])
    assert seen is not None
    assert 0.1 < seen < 0.3
