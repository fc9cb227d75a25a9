"""What `checks.py` measures of the check of the order of outcomes: F19.

Outcomes are made up, for their law is what is right: trials with a state that one in ten of them changes, and
trials of the same length that know nothing of each other.
"""

from __future__ import annotations

import random
from pathlib import Path

from checks import Measured, rate_of

from pytest_velo import rate
from pytest_velo.checks.dependence import dependence_in
from pytest_velo.records import OutcomeKind, TrialRecord

RUNS = 2_000
TRIALS = 100  # of a run
CHANGES = 0.1


def run_of(outcomes: list[bool]) -> list[TrialRecord]:
    """Return trials with these outcomes, in this order."""
    return [
        TrialRecord(
            index=index,
            case_id="",
            repeat=index,
            seed=0,
            kind=OutcomeKind.ONE if outcome else OutcomeKind.ZERO,
            values={"": float(outcome)},
            unit=index,
            unit_size=1,
        )
        for index, outcome in enumerate(outcomes)
    ]


def kept(rng: random.Random) -> list[bool]:
    """Return outcomes that are a state, which one trial in ten changes."""
    state, outcomes = rng.random() < 0.5, []
    for _ in range(TRIALS):
        state ^= rng.random() < CHANGES
        outcomes.append(state)
    return outcomes


def measure_dependence(_: Path) -> Measured:
    """Measure F19: outcomes that keep what the trial before left, and outcomes that do not."""
    rng, statistic = random.Random(19), (rate >= 0.5).statistic
    found = [dependence_in(run_of(kept(rng)), [statistic]) is not None for _ in range(RUNS)]
    alarms = []
    for _run in range(RUNS):
        chance = rng.random()
        fresh = [rng.random() < chance for _ in range(TRIALS)]
        alarms.append(dependence_in(run_of(fresh), [statistic]) is not None)
    return Measured(
        detection=rate_of(
            found, f"runs of {TRIALS} trials, one at a time, whose outcome is a state that one in ten changes"
        ),
        false_alarms=rate_of(alarms, f"runs of {TRIALS} independent trials with a rate between 0 and 1"),
    )


MEASURES = {"F19": measure_dependence}
