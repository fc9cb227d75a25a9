"""What takes long to compute in a run leaves the loop to the others."""

from __future__ import annotations

import threading

import pytest

from pytest_velo import estimate, rate
from pytest_velo.errors import InvalidTrial
from pytest_velo.stats import exact


@pytest.fixture
def computed_on(monkeypatch):
    """Return the threads on which the limits after an invalid trial are computed."""
    found, repeated_limits = [], exact.repeated_limits

    def noted(*arguments):
        found.append(threading.current_thread())
        return repeated_limits(*arguments)

    monkeypatch.setattr(exact, "repeated_limits", noted)
    return found


def estimated(make_hypothesis, invalid):
    async def body(case, arm, trial):
        if trial.index in invalid:
            raise InvalidTrial("no answer")
        return trial.index % 3 == 0

    return make_hypothesis(body, claim=estimate(rate, halfwidth=0.2), max_trials=60)


@pytest.mark.anyio
async def test_what_takes_seconds_to_compute_leaves_the_loop_to_other_runs(
    make_hypothesis, sample, computed_on
):
    run = await sample(estimated(make_hypothesis, {4, 5, 9}))
    assert run.units.n_invalid == 3
    assert len(computed_on) == 1
    assert threading.current_thread() not in computed_on


@pytest.mark.anyio
async def test_nothing_is_computed_before_a_trial_is_invalid(make_hypothesis, sample, computed_on):
    run = await sample(estimated(make_hypothesis, ()))
    assert run.units.n_invalid == 0
    assert computed_on == []
