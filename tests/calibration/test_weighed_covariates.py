"""Wrong verdicts at the null's edge with a covariate of any kind, through frame, units and rules as shipped.

20,000 runs with fixed seeds, held to the exact binomial bound of so many runs. The cases differ as much as
they can, numbers mislead, and trials become invalid by their outcome and their case. Runs whose evidence,
computed for all at once, never comes near to a verdict are weighed only in part, see `shares_where`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_velo import covariate, learned
from pytest_velo.case_sets import load
from pytest_velo.claims import Claim, difference, mean, rate
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import Spec
from pytest_velo.records import OutcomeKind
from pytest_velo.runner.frame import Kinds
from pytest_velo.runner.weigher import weigh
from pytest_velo.settings import Settings
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.limits.centred import centred_log_evidence
from pytest_velo.verdicts import Verdict
from support.learning import Learners

SUPPORTED, REFUTED = Verdict.SUPPORTED, Verdict.REFUTED
UNITS = 24
NEAR = 0.05
"""Log evidence that a run may lack of rejecting a null and is weighed all the same."""

Array = np.ndarray[Any, Any]
Draw = Callable[[np.random.Generator, Array], Array]
"""Draws for each pick of a case the place of a unit among those there can be."""

N_CASES = 12
EASY = np.linspace(0.0, 1.0, N_CASES)
"""The cases' rates: from never to always, 1/2 on average."""
KINDS = np.repeat([0, 1, 2], [8, 3, 1])
"""The kind of each case, for cases that are learned by kind."""
BY_KIND = np.array([0.4, 0.8, 0.4])[KINDS]
"""Their rates: 1/2 on average over the cases, and more than that over the kinds."""
CASES = [
    {"id": f"q{place}", "level": float(level), "kind": int(kind)}
    for place, (level, kind) in enumerate(zip(EASY, KINDS, strict=True))
]
MISLEADS = np.where(EASY > 0.5, 1.0 - EASY, EASY)
TOLD = np.where(np.arange(N_CASES) < 2, 0.0, 0.6)
"""Rates of which the case's number tells the two that never succeed: 1/2 on average."""


def single_trials(rates: Array, hidden: Callable[[Array, Array], Array] | None = None) -> Draw:
    """Return a draw of 0/1 trials; `hidden` is the chance of being invalid, by the case and the outcome."""

    def draw(rng: np.random.Generator, picks: Array) -> Array:
        ones = rng.random(picks.shape) < rates[picks]
        lost = rng.random(picks.shape) < (hidden(picks, ones) if hidden else 0.0)
        return np.where(lost, 2, ones)

    return draw


def zeros_of_easy_cases(picks: Array, ones: Array) -> Array:
    """Hide most zeros where the number foresees a one, and some ones where it foresees a zero."""
    return np.where(EASY[picks] > 0.5, np.where(ones, 0.0, 0.8), np.where(ones, 0.4, 0.0))


def scores(rng: np.random.Generator, picks: Array) -> Array:
    """Return scores of 0, 5 or 10 that are hardly ever in the middle."""
    return np.where(rng.random(picks.shape) < 0.1, 1, 2 * (rng.random(picks.shape) < EASY[picks]))


def dependent_pairs(rng: np.random.Generator, picks: Array) -> Array:
    """Return pairs of one luck, a ahead by .2 on average: by .4 on half of the cases and nowhere else."""
    luck, ahead = rng.random(picks.shape), np.where(picks % 2 == 0, 0.4, 0.0)
    b = luck < 0.5
    a = luck < 0.5 + ahead
    return 2 * a.astype(int) + b


@dataclass(frozen=True)
class Run:
    """What is weighed, and what comes.

    Attributes:
        claim: Its edge is the truth.
        known: The covariate.
        draw: What comes.
        bounds: What each unit is worth, at least and at most, on the scale of [0, 1].
        units: Names the outcomes of each unit by arm; None is invalid.
        options: Of the mark.
    """

    claim: Claim
    known: Any
    draw: Draw
    bounds: Sequence[tuple[float, float]] = ((0.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    units: Sequence[dict[str, float | None]] = ({"": 0.0}, {"": 1.0}, {"": None})
    options: dict[str, Any] = field(default_factory=dict)


ONES = single_trials(EASY)
PAIRS = {
    "bounds": ((0.5, 0.5), (0.0, 0.0), (1.0, 1.0), (0.5, 0.5)),
    "units": [{"a": float(a), "b": float(b)} for a in (0, 1) for b in (0, 1)],
    "options": {"arms": ("a", "b")},
}


def misleading(case: Any) -> float:
    return float(MISLEADS[int(case["id"][1:])])


def two_that_never_succeed(case: Any) -> bool:
    return int(case["id"][1:]) < 2


def even(case: Any) -> int:
    return int(case["id"][1:]) % 2


RUNS = {
    "a field": Run(rate >= 0.5, covariate("level", correlation=0.8), ONES),
    "a field, invalid by case and outcome": Run(
        rate >= 0.5, covariate("level", correlation=0.8), single_trials(EASY, zeros_of_easy_cases)
    ),
    "a function that misleads": Run(rate <= 0.5, covariate(misleading, correlation=0.8), ONES),
    "a function that tells two cases": Run(
        rate >= 0.5, covariate(two_that_never_succeed, correlation=0.8), single_trials(TOLD)
    ),
    "scores": Run(
        mean(0, 10) >= 5.0,
        "level",
        scores,
        bounds=((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)),
        units=({"": 0.0}, {"": 5.0}, {"": 10.0}),
    ),
    "pairs that depend on each other": Run(difference("a", "b") >= 0.2, even, dependent_pairs, **PAIRS),
    "learned": Run(rate >= 0.5, covariate(learned(), correlation=0.9), single_trials(np.arange(12) % 2)),
    "learned, invalid by case and outcome": Run(
        rate >= 0.5, covariate(learned(), correlation=0.9), single_trials(EASY, zeros_of_easy_cases)
    ),
    "learned by kinds of uneven sizes": Run(
        rate <= 0.5, covariate(learned("kind"), correlation=0.9), single_trials(BY_KIND)
    ),
    "learned, both ends": Run(rate.within(0.5, 0.97), covariate(learned(), correlation=0.9), ONES),
}
"""Cases that are always or never right are learned at once; there are twelve, so that they come again."""


def evidence(foresight: Any, centring: Any, picks: Array, ends: Array, edge: float, side: Any) -> Array:
    """Return the log evidence against a null after each unit of all runs, by its own way to the centres."""
    outcomes = ends[..., 0 if side > 0 else 1]
    if not isinstance(foresight, Kinds):
        centres = np.array([foresight[case["id"]] for case in CASES])[picks]
        return centred_log_evidence(outcomes, centres, [edge], side, centring)
    names = [*foresight.shares]
    kinds = np.array([names.index(foresight.of_cases[case["id"]]) for case in CASES])[picks]
    learners, columns = Learners(len(picks), np.array([*foresight.shares.values()])), []
    rows = np.arange(len(picks))
    for unit in range(picks.shape[1]):
        centres = learners.centres()
        columns.append((centres[rows, kinds[:, unit]], centres.min(axis=1), centres.max(axis=1)))
        learners.learn(kinds[:, unit], ends[:, unit].mean(axis=1))
    own, low, high = (np.column_stack(column) for column in zip(*columns, strict=True))
    return centred_log_evidence(outcomes, own, [edge], side, centring, (low, high))


@pytest.mark.parametrize("name", RUNS)
def test_verdicts_with_a_covariate_are_as_rarely_wrong_as_their_levels_say(calibration, name):
    run = RUNS[name]
    options = {"max_trials": UNITS, "covariate": run.known, **run.options}
    options |= {"alpha": calibration.alpha, "beta": calibration.beta, "over": "cases"}
    cases = load(CASES, base=Path())
    frame = make_frame(Spec(claim=run.claim, options=options), cases, Settings(seed=0))
    hypothesis = replace(calibration.hypothesis(run.claim, UNITS), frame=frame)
    assert hypothesis.is_centred
    [first] = islice(frame.trials(), 1)
    assert frame.covariate is not None

    rng = np.random.default_rng(7)
    picks = rng.integers(0, N_CASES, (calibration.n_runs, UNITS))
    places = run.draw(rng, picks).astype(int)
    ends = np.array(run.bounds)[places]
    nulls = nulls_of(run.claim)
    each = [(null, calibration.alpha) for null in nulls.support]
    each += [(null, calibration.beta / len(nulls.refute)) for null in nulls.refute]

    @cache
    def trials(turn: int, pick: int, place: int) -> list[Any]:
        found = []
        for at, (arm, value) in enumerate(run.units[place].items()):
            record = calibration.trial(arm, _=0.0 if value is None else value)
            if value is None:
                record = replace(record, kind=OutcomeKind.INVALID, values={})
            n_arms = len(run.units[place])
            planned = replace(
                first,
                index=turn * n_arms + at,
                turn=turn,
                unit=turn,
                case_id=f"q{pick}",
                unit_size=n_arms,
                arm=arm,
            )
            found.append((record, planned))
        return found

    def verdict(number: int) -> Verdict | None:
        weigher = weigh(hypothesis)
        for turn, (pick, place) in enumerate(
            zip(picks[number].tolist(), places[number].tolist(), strict=True)
        ):
            for record, planned in trials(turn, pick, place):
                found = weigher.add(record, planned)
            if found is not None:
                return found
        return None

    known = frame.covariate
    highest = [evidence(known.foresight, known.centring, picks, ends, *null).max(axis=1) for null, _ in each]
    near = [found >= math.log(1 / level) - NEAR for found, (_, level) in zip(highest, each, strict=True)]
    if len(nulls.support) == 2:  # both ends have to be rejected
        near = [near[0] & near[1], *near[2:]]
    found = calibration.shares_where(verdict, near, n_others=400)
    assert found[SUPPORTED] <= calibration.most(calibration.alpha)
    assert found[REFUTED] <= calibration.most(calibration.beta)
    assert max(found[SUPPORTED], found[REFUTED]) > 0.002
