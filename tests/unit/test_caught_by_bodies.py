"""Bodies that catch everything, cancel themselves or leave calls behind: no wrong verdict, no hang."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_velo import rate, scripted
from pytest_velo.errors import (
    AccessError,
    BodyError,
    BudgetError,
    CacheMissError,
    InvalidTrial,
    OutageError,
    StoppedError,
    WouldPayError,
    tell,
)
from pytest_velo.providers.registry import resolve
from pytest_velo.records import Address, Reply
from pytest_velo.runner.hypothesis import Reading
from pytest_velo.runner.result import result_of
from pytest_velo.runner.run import Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Settings
from pytest_velo.verdicts import StopReason, Verdict

TARGET = resolve(scripted("caught", ["yes"]))
CAUGHT = AsyncModel(TARGET)


class Refusing:
    """Draws nothing and says why."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.n = 0

    async def draw(self, *_: Any, **__: Any) -> Any:
        self.n += 1
        raise self.error


async def catches(case, arm, trial):
    try:
        return (await CAUGHT("q")).answers("yes")
    except Exception:
        return False


async def gathers(case, arm, trial):
    replies = await asyncio.gather(CAUGHT("q"), CAUGHT("r"), return_exceptions=True)
    return all(str(reply) == "yes" for reply in replies)


async def asserts_instead(case, arm, trial):
    reply = None
    with suppress(Exception):
        reply = await CAUGHT("q")
    assert reply is not None


async def groups(case, arm, trial):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(CAUGHT("q"))
    return True


BODIES = pytest.mark.parametrize("body", [catches, gathers, asserts_instead, groups])


@BODIES
@pytest.mark.parametrize("kind", [OutageError, AccessError, WouldPayError, CacheMissError])
def test_a_draw_that_could_not_be_had_is_an_error_whatever_the_body_makes_of_it(
    make_hypothesis, sample, body, kind
) -> None:
    error = kind("no draw")
    run = asyncio.run(sample(make_hypothesis(body, rate >= 0.5), Refusing(error)))
    assert (run.error, run.verdict, run.trials) == (error, Verdict.INCONCLUSIVE, [])


@BODIES
def test_an_empty_budget_leaves_the_claim_open_whatever_the_body_makes_of_it(
    make_hypothesis, sample, body
) -> None:
    run = asyncio.run(sample(make_hypothesis(body, rate >= 0.5), Refusing(BudgetError("it is spent"))))
    assert (run.error, run.stop, run.trials) == (None, StopReason.BUDGET, [])


def test_a_plain_body_that_catches_everything_gives_no_outcome_either(make_hypothesis) -> None:
    def body(case, arm, trial):
        for _ in range(3):
            try:
                return Model(TARGET)("q").answers("yes")
            except:  # noqa: E722
                continue
        return False

    loop, error = SampleLoop(), OutageError("the provider is down")
    try:
        run = Run(make_hypothesis(body, is_async=False), Refusing(error), loop)
        loop.run(run.go())
    finally:
        loop.close()
    assert (run.error, run.trials) == (error, [])


def cancels_from_within(case, arm, trial):
    asyncio.current_task().cancel()
    return asyncio.sleep(0)


async def raises_a_cancellation(case, arm, trial):
    raise asyncio.CancelledError


@pytest.mark.parametrize("body", [cancels_from_within, raises_a_cancellation])
def test_a_body_that_cancels_itself_is_an_error_and_does_not_hang(make_hypothesis, sample, body) -> None:
    async def go() -> Run:
        async with asyncio.timeout(60):
            return await sample(make_hypothesis(body))

    run = asyncio.run(go())
    assert isinstance(run.error, BodyError)
    assert "cancelled from within" in run.error.what


def test_a_call_left_under_way_is_an_error(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        left.add(asyncio.create_task(CAUGHT("q")))
        await asyncio.sleep(0)
        return True

    left: set[asyncio.Task[Any]] = set()
    run = asyncio.run(sample(make_hypothesis(body)))
    assert isinstance(run.error, BodyError)
    assert "still under way" in run.error.what


def test_a_task_that_outlives_its_trial_gets_no_draw(make_hypothesis, sample) -> None:
    async def late(ended: asyncio.Event) -> None:
        await ended.wait()
        await CAUGHT("late")

    async def body(case, arm, trial):
        await CAUGHT("q")
        left.append(asyncio.create_task(late(ended)))
        return True

    left: list[asyncio.Task[None]] = []
    ended = asyncio.Event()

    async def go() -> tuple[Run, list[Any]]:
        run = await sample(make_hypothesis(body))
        ended.set()
        return run, await asyncio.gather(*left, return_exceptions=True)

    run, results = asyncio.run(go())
    assert run.verdict is Verdict.SUPPORTED
    assert results
    assert {type(result) for result in results} == {StoppedError}


def test_a_body_that_catches_its_cancellation_draws_nothing_more(make_hypothesis, sample) -> None:
    """A bare `except:` in a retry loop must not go on paying when the hypothesis has ended."""
    sent = []

    async def answer(request):
        sent.append(request.messages[-1]["content"])
        under_way.set()
        await asyncio.Event().wait()

    model = AsyncModel(resolve(scripted("stuck", answer)))

    async def body(case, arm, trial):
        if trial.index == 0:
            await under_way.wait()
            raise ValueError("this ends it")
        for attempt in range(5):
            try:
                return (await model(f"attempt {attempt}")).answers("yes")
            except:  # noqa: E722
                continue
        return False

    under_way = asyncio.Event()

    async def go() -> Run:
        sampler = Sampler(Settings(concurrency=100), None)
        run = await sample(make_hypothesis(body), sampler)
        await sampler.aclose(0)
        return run

    assert isinstance(asyncio.run(go()).error, ValueError)
    assert set(sent) == {"attempt 0"}


def test_calls_of_the_trial_that_ended_in_an_error_are_counted(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        await CAUGHT("q")
        raise ValueError("after a call")

    result = result_of(asyncio.run(sample(make_hypothesis(body, limit=1))))
    assert result.n_calls == 1


async def swallows_a_misused_reply(case, arm, trial):
    try:
        return (await CAUGHT("q")).answers(7)
    except Exception:
        return False


async def swallows_a_misused_probability(case, arm, trial):
    try:
        return (await CAUGHT("q")).prob("A") > 0.5
    except Exception:
        return False


async def swallows_a_prompt_that_is_none(case, arm, trial):
    try:
        return (await CAUGHT(7)).answers("yes")
    except Exception:
        return False


async def gives_up_on_a_call(case, arm, trial):
    try:
        async with asyncio.timeout(0):
            return (await CAUGHT("q")).answers("yes")
    except TimeoutError:
        return False


async def asserts_that_it_was_fast(case, arm, trial):
    task = asyncio.create_task(wait_for_it())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert not task.cancelled()


async def wait_for_it():
    return (await CAUGHT("q")).answers("yes")


class Silent:
    """Never answers."""

    async def draw(self, *_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()


class Answering:
    """Answers at once."""

    async def draw(self, target: Any, request: Any, **__: Any) -> Any:
        return Drawn(Reply(text="yes"), Address(key="k", seed=0, stream="", slot="s"), "2026-01-01")


@dataclass
class Drawn:
    reply: Reply
    address: Address
    drawn_at: str


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (swallows_a_misused_reply, "answers(...) takes the strings"),
        (swallows_a_misused_probability, "log probabilities"),
        (swallows_a_prompt_that_is_none, "a prompt must be a text"),
    ],
)
def test_a_mistake_of_the_body_is_an_error_whatever_it_catches(make_hypothesis, sample, body, said) -> None:
    run = asyncio.run(sample(make_hypothesis(body), Answering()))
    assert isinstance(run.error, BodyError)
    assert said in run.error.what
    assert run.trials == []


@pytest.mark.parametrize("body", [gives_up_on_a_call, asserts_that_it_was_fast])
def test_a_body_that_gives_up_on_a_call_has_no_outcome(make_hypothesis, sample, body) -> None:
    run = asyncio.run(sample(make_hypothesis(body), Silent()))
    assert isinstance(run.error, BodyError)
    assert "cancelled a model call" in run.error.what
    assert "timeout_s=" in run.error.fix


def test_a_failed_assert_beside_a_call_in_a_task_group_is_an_outcome(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wait_for_it())
            tasks.create_task(fails())

    async def fails():
        await asyncio.sleep(0)
        raise AssertionError

    class GroupOutcomes:
        def value(self, returned: Any) -> dict[str, float]:
            return {"": 1.0}

        def exception(self, error: BaseException) -> Reading:
            return Reading(against=True)

    run = asyncio.run(sample(make_hypothesis(body, outcomes=GroupOutcomes(), max_trials=20), Silent()))
    assert (run.error, run.verdict) == (None, Verdict.REFUTED)


def test_an_invalid_reply_stays_invalid_whatever_the_body_catches(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        try:
            raise tell(InvalidTrial("no such token"))
        except Exception:
            return False

    run = asyncio.run(sample(make_hypothesis(body, max_trials=20), Answering()))
    assert {trial.kind.value for trial in run.trials} == {"invalid"}
    assert run.trials[0].detail == "no such token"
