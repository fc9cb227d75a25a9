"""What a body returned: an outcome, or an error that says how to return one."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import Any

import pytest

from pytest_velo.bodies.outcomes import read_return
from pytest_velo.bodies.shape import BodyFacts
from pytest_velo.claims import mean, rate
from pytest_velo.errors import BodyError
from pytest_velo.records import Reply


def facts(*, has_value_return: bool = True, has_source: bool = True) -> BodyFacts:
    return BodyFacts(
        name="test_x",
        location="test_x.py:3",
        has_source=has_source,
        is_async=True,
        is_generator=False,
        is_lambda=False,
        is_wrapped=False,
        has_assert=True,
        has_value_return=has_value_return,
    )


def refused(value: object, name: str | None = None, of: BodyFacts | None = None) -> BodyError:
    with pytest.raises(BodyError) as caught:
        read_return(value, of or facts(), rate if name is None else rate(name))
    assert caught.value.where == "test_x.py:3"
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize(("value", "number"), [(True, 1.0), (False, 0.0), (1, 1.0), (0, 0.0)])
def test_bools_and_their_integers_are_outcomes(value: object, number: float) -> None:
    assert read_return(value, facts(), rate) == {"": number}


@pytest.mark.parametrize("kind", ["bool_", "int64", "uint8"])
@pytest.mark.parametrize("value", [0, 1])
def test_hazard_02_numpy_bools_are_outcomes(kind: str, value: int) -> None:
    numpy = pytest.importorskip("numpy")
    returned = read_return(getattr(numpy, kind)(value), facts(), rate)
    assert returned == {"": float(value)}
    assert type(returned[""]) is float


def test_hazard_02_none_is_one_only_where_the_body_returns_no_value() -> None:
    assert read_return(None, facts(has_value_return=False), rate) == {"": 1.0}
    error = refused(re.match("a", "b"))
    assert "returned None" in error.what
    assert "on every path" in error.fix


def test_hazard_02_none_without_a_source_is_an_error() -> None:
    error = refused(None, of=facts(has_value_return=False, has_source=False))
    assert "source cannot be read" in error.what


@pytest.mark.parametrize("value", [0.0, 1.0, 0.7, float("nan")])
def test_hazard_02_a_float_is_no_outcome_of_a_rate(value: float) -> None:
    numpy = pytest.importorskip("numpy")
    for number in (value, numpy.float64(value), numpy.float32(value)):
        assert "a rate takes True or False" in refused(number).fix


def test_other_values_are_refused_with_advice() -> None:
    numpy = pytest.importorskip("numpy")
    assert "comparison" in refused(2).fix
    assert "comparison" in refused(-1).fix
    assert "reply.answers" in refused(Reply(text="yes")).fix
    assert 'text == "..."' in refused("yes").fix
    assert "a list" in refused([True]).what
    assert "a tuple" in refused((True, False)).what
    assert "a Match" in refused(re.match("a", "a")).what
    assert "a ndarray" in refused(numpy.array([True])).what
    assert "a generator" in refused(c for c in "ab").what


def test_the_content_of_a_value_is_not_repeated() -> None:
    assert "\x1b" not in str(refused("\x1b[2J"))
    assert "secret" not in str(refused(["secret"]))


def test_a_coroutine_is_never_taken_for_true() -> None:
    async def call() -> bool:
        return False

    coroutines = [call() for _ in range(3)]
    error = refused(coroutines[0])
    assert "coroutine" in error.what
    assert "await" in error.fix
    assert "await" in refused({"asr": coroutines[1]}, "asr").fix
    refused(coroutines[2], "asr")
    # Else Python warns "never awaited" later, of some other line.
    assert {inspect.getcoroutinestate(coroutine) for coroutine in coroutines} == {inspect.CORO_CLOSED}


def test_an_awaitable_of_any_kind_is_un_awaited() -> None:
    async def run() -> None:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        assert "await" in refused(future).fix
        future.cancel()

    asyncio.run(run())


def test_async_generators_are_refused() -> None:
    async def stream() -> Any:
        yield True

    assert "it has not run yet" in refused(stream()).fix


def test_named_outcomes() -> None:
    assert read_return({"asr": True, "over_refusal": 0}, facts(), rate("asr")) == {
        "asr": 1.0,
        "over_refusal": 0.0,
    }


def test_a_missing_outcome_names_the_nearest() -> None:
    error = refused({"over_refusals": True}, "over_refusal")
    assert "the outcome 'over_refusal'" in error.what
    assert error.fix == "did you mean 'over_refusals'?"
    assert 'return {"asr"' in refused({}, "asr").fix


def test_named_claims_and_unnamed_values_do_not_mix() -> None:
    assert "the outcome 'asr'" in refused(True, "asr").what
    assert "the outcome 'asr'" in refused(None, "asr", facts(has_value_return=False)).what
    assert 'rate("asr")' in refused({"asr": True}).fix


@pytest.mark.parametrize("value", [{"asr": None}, {"asr": 0.5}, {"asr": True, "other": "yes"}])
def test_each_named_outcome_follows_the_same_rules(value: dict[str, object]) -> None:
    assert "the outcome" in refused(value, "asr").what


@pytest.mark.parametrize("key", [1, None, ""])
def test_outcomes_need_names(key: object) -> None:
    assert "names" in refused({key: True}, "asr").what


@pytest.mark.parametrize(("value", "score"), [(0, 0.0), (7.5, 7.5), (10, 10.0), (True, 1.0)])
def test_scores_in_their_range_are_outcomes_of_a_mean(value: float, score: float) -> None:
    assert read_return(value, facts(), mean(0, 10)) == {"": score}
    assert read_return({"help": value}, facts(), mean(0, 10, "help")) == {"help": score}


@pytest.mark.parametrize("value", [-0.1, 10.5, float("nan"), None, "7", [7]])
def test_a_mean_takes_nothing_else(value: object) -> None:
    with pytest.raises(BodyError) as caught:
        read_return(value, facts(), mean(0, 10))
    assert "mean(0, 10)" in caught.value.what
    assert "a number from 0 to 10" in caught.value.fix
