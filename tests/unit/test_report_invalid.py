"""Invalid trials: why they are, and what to do, is said where the reader looks."""

from __future__ import annotations

import asyncio

import pytest

from pytest_velo import rate
from pytest_velo.errors import InvalidTrial
from pytest_velo.records import Invalid, Outcome
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import as_text
from pytest_velo.report.outlook import outlook
from pytest_velo.runner.result import result_of
from pytest_velo.verdicts import StopReason


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
    listed = [notice for notice in found.notices if "invalid: " in notice or "for other reasons" in notice]
    assert len(listed) == 4
    assert "for other reasons" in listed[-1]


def test_sampling_stops_where_only_invalid_trials_come(make_hypothesis, sample) -> None:
    async def all_invalid(case, arm, trial):
        raise InvalidTrial("the judge's answer cannot be read")

    async def invalid_later(case, arm, trial):
        if trial.index > 10:
            raise InvalidTrial("it broke")
        return trial.index % 2 == 0

    for invalid in (Invalid.BOUND, Invalid.EXCLUDE):
        found = result(make_hypothesis, sample, all_invalid, invalid=invalid, max_trials=200)
        assert (found.decision.stop, len(found.trials)) == (StopReason.ALL_INVALID, 20)
        assert any("the last 20 trials are all invalid" in notice for notice in found.notices)
    assert len(result(make_hypothesis, sample, invalid_later, max_trials=200).trials) == 31
    counted = result(make_hypothesis, sample, all_invalid, invalid=Invalid.AGAINST, max_trials=200)
    assert counted.outcome is Outcome.REFUTED


def test_invalid_trials_are_shown_one_of_each_reason_first(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        trial.note(f"this is {trial.index}")
        raise InvalidTrial("the judge's answer" if trial.index == 7 else "the model's reply is empty")

    text = as_text(failure_lines(result(make_hypothesis, sample, body), show=2))
    assert "invalid trials (first 2 of 20; --velo-show=20 shows all)" in text
    assert "invalid: the model's reply is empty" in text
    assert "invalid: the judge's answer" in text
    assert "this is 0" in text
    assert "this is 7" in text


@pytest.mark.parametrize(("every", "advice"), [(1, "invalid"), (0, "near the threshold")])
def test_the_advice_fits_what_is_wrong(make_hypothesis, sample, every, advice) -> None:
    async def body(case, arm, trial):
        if every:
            raise InvalidTrial("cut")
        return trial.index % 2 == 0

    assert advice in outlook(result(make_hypothesis, sample, body)).advice
