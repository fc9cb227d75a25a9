"""Wrong verdicts at the null's edge, through units and rules as shipped: means, differences and joint claims.

20,000 runs with fixed seeds, held to the exact binomial bound of so many runs. The truth lies where the
claim is true, and false but for a hair: "supported" and "refuted" are both wrong there, and both are counted.
"""

from __future__ import annotations

import numpy as np
import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.verdicts import Verdict

SUPPORTED, REFUTED = Verdict.SUPPORTED, Verdict.REFUTED


def check(calibration, found, *, least):
    """Both errors are within their levels; and the simulation is near enough to the edge to see errors."""
    assert found[SUPPORTED] <= calibration.most(calibration.alpha), found
    assert found[REFUTED] <= calibration.most(calibration.beta), found
    assert max(found[SUPPORTED], found[REFUTED]) >= least, found


def table(units, places):
    """Return, for an array of shape (runs, units), the units that its numbers stand for."""
    return ([units[place] for place in run] for run in places.tolist())


RUBRIC = np.array([0.05, 0.0, 0.1, 0.1, 0.0, 0.2, 0.0, 0.3, 0.1, 0.1, 0.05])
"""P(score) for 0..10."""


def test_means(calibration):
    units = [[calibration.trial(_=float(score))] for score in range(11)]
    truth = float(RUBRIC @ np.arange(11))
    rng = np.random.default_rng(1)
    found = calibration.shares(
        calibration.hypothesis(mean(0, 10) >= truth, 24),
        lambda n: table(units, rng.choice(11, (n, 24), p=RUBRIC)),
    )
    check(calibration, found, least=0.02)


def test_means_within_a_range(calibration):
    """At the upper end of it: "within" is wrong just above, and "not within" is wrong at the end itself."""
    units = [[calibration.trial(_=float(score))] for score in (0, 5, 10)]
    rng = np.random.default_rng(2)
    found = calibration.shares(
        calibration.hypothesis(mean(0, 10).within(1, 6), 14, alpha=0.2, beta=0.2),
        lambda n: table(units, rng.choice(3, (n, 14), p=[0.2, 0.4, 0.4])),
    )
    assert 0.02 < found[SUPPORTED] <= calibration.most(0.2)
    assert 0.02 < found[REFUTED] <= calibration.most(0.2)


def arms(calibration, values):
    """Return the pairs of two arms' outcomes, `a` times so many plus `b`."""
    trial = calibration.trial
    return [[trial("b", _=float(b)), trial("a", _=float(a))] for a in values for b in values]


def test_a_difference_of_rates(calibration):
    """A margin of .2 which is just met, by arms that mostly go together."""
    p_a, p_b, both = 0.6, 0.4, 0.35
    chances = [1 - p_a - p_b + both, p_b - both, p_a - both, both]
    rng = np.random.default_rng(3)
    found = calibration.shares(
        calibration.hypothesis(difference("a", "b") >= 0.2, 20, arms=("b", "a")),
        lambda n: table(arms(calibration, (0, 1)), rng.choice(4, (n, 20), p=chances)),
    )
    check(calibration, found, least=0.01)


@pytest.mark.parametrize(
    ("shift", "claim"),
    [
        (1, difference("a", "b", of=mean(0, 4)) <= 1),
        (1, difference("a", "b", of=mean(0, 4)).within(1)),
    ],
    ids=str,
)
def test_a_difference_of_scores(calibration, shift, claim):
    """Two arms' scores on cases of different difficulty, at the end of the claim."""
    rng = np.random.default_rng(4)

    def runs(n):
        difficulty = rng.integers(0, 2, (n, 12))
        a, b = difficulty + 2 * rng.integers(0, 2, (2, n, 12))
        return table(arms(calibration, range(5)), (a + shift) * 5 + b)

    hypothesis = calibration.hypothesis(claim, 12, arms=("b", "a"), alpha=0.2, beta=0.2)
    found = calibration.shares(hypothesis, runs)
    assert 0.01 < max(found[SUPPORTED], found[REFUTED]) <= calibration.most(0.2)


JOINT = (rate("a") >= 0.5) & (rate("b") <= 0.4) & (mean(0, 10, "c") >= 5)


def three_outcomes(calibration):
    return [
        [calibration.trial(a=float(a), b=float(b), c=float(c))]
        for a in (0, 1)
        for b in (0, 1)
        for c in range(11)
    ]


def test_three_parts_that_are_all_at_their_edge(calibration):
    """Outcomes that depend on each other; every part is true by a hair, so "refuted" is wrong."""
    rng = np.random.default_rng(5)

    def runs(n):
        common = rng.random((n, 20))
        a = common < 0.5
        b = (common + 0.3 * rng.random((n, 20))) % 1.0 < 0.4
        c = np.floor(11 * np.where(rng.random((n, 20)) < 0.6, common, rng.random((n, 20))))
        return table(three_outcomes(calibration), a * 22 + b * 11 + c.astype(int))

    found = calibration.shares(calibration.hypothesis(JOINT, 20), runs)
    assert 0.01 < found[REFUTED] <= calibration.most(calibration.beta)


@pytest.mark.parametrize("false_part", ["a", "c"])
def test_three_parts_of_which_one_is_false_by_a_hair(calibration, false_part):
    """The others are far inside, so that all depends on the one: "supported" is wrong."""
    rng = np.random.default_rng(6)

    def runs(n):
        score = rng.integers(0, 11, (n, 20))
        a = rng.random((n, 20)) < (0.5 if false_part == "a" else 0.99)
        b = rng.random((n, 20)) < 0.01
        c = score if false_part == "c" else np.full_like(score, 10)
        return table(three_outcomes(calibration), a * 22 + b * 11 + c)

    found = calibration.shares(calibration.hypothesis(JOINT, 20), runs)
    assert 0.01 < found[SUPPORTED] <= calibration.most(calibration.alpha)
