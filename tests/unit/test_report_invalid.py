"""Invalid trials: why they are, and what to do, is said where the reader looks."""

from __future__ import annotations

import asyncio

import pytest

from pytest_velo import rate
from pytest_velo.errors import InvalidTrial
from pytest_velo.report.outlook import outlook
from pytest_velo.runner.result import result_of


def result(make_hypothesis, sample, body, **changes):
    return result_of(asyncio.run(sample(make_hypothesis(body, rate >= 0.5, **changes))))


def test_the_reasons_of_invalid_trials_are_said_with_their_number(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        if trial.index % 4 == 0:
            raise InvalidTrial("the reply was cut")
        if trial.index == 5:
            raise InvalidTrial("the reply is empty")
        return trial.index % 2 == 0

    found = result(make_hypothesis, sample, body, max_trials=50)
    n = found.decision.evidence.n
    n_cut = len(range(0, n, 4))
    assert found.notices == (
        f"{n_cut} of {n} trials are invalid: the reply was cut",
        f"1 of {n} trials is invalid: the reply is empty",
    )


def test_many_reasons_are_not_all_listed(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        raise InvalidTrial(f"reason {trial.index}")

    found = result(make_hypothesis, sample, body)
    assert len(found.notices) == 4
    assert "for other reasons" in found.notices[-1]


@pytest.mark.parametrize(("every", "advice"), [(1, "invalid"), (0, "near the threshold")])
def test_the_advice_fits_what_is_wrong(make_hypothesis, sample, every, advice) -> None:
    async def body(case, arm, trial):
        if every:
            raise InvalidTrial("cut")
        return trial.index % 2 == 0

    assert advice in outlook(result(make_hypothesis, sample, body)).advice
