"""`@scorer`: what it accepts, and what it does without a process."""

from __future__ import annotations

import threading

import cloudpickle
import pytest

from pytest_velo import UsageError, scorer
from pytest_velo.errors import BodyError
from pytest_velo.runner.run import Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Settings
from pytest_velo.verdicts import Verdict


@scorer
def thread_of(text: str) -> str:
    """Where it runs."""
    assert text, "nothing to score"
    return threading.current_thread().name


async def _coroutine() -> None: ...


def _generator():
    yield 1


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: scorer(_coroutine), "`_coroutine` is `async def`"),
        (lambda: scorer(_generator), "`_generator` is a generator"),
        (lambda: scorer(3), "a scorer is a function, got 3"),
        (lambda: scorer(timeout=3), "no timeout"),
        (lambda: scorer(process=True, timeout=0), "timeout must be seconds, above 0, got 0"),
        (lambda: scorer(process=True, timeout=float("nan")), "above 0, got nan"),
        (lambda: scorer(process=True, timeout=True), "above 0, got True"),
    ],
)
def test_a_mistake_is_told_where_it_is_written(make, what) -> None:
    with pytest.raises(UsageError, match="@scorer") as raised:
        make()
    assert what in raised.value.what
    assert raised.value.fix


def test_it_is_the_function_to_readers() -> None:
    assert (thread_of.__name__, thread_of.__doc__) == ("thread_of", "Where it runs.")
    assert repr(thread_of) == "<scorer thread_of>"


def test_in_another_process_it_is_the_function() -> None:
    assert cloudpickle.loads(cloudpickle.dumps(thread_of))("a") == threading.current_thread().name


def test_it_needs_a_trial() -> None:
    with pytest.raises(BodyError, match=r"thread_of\(\.\.\.\) was used outside a running trial"):
        thread_of("a")


def ran(make_hypothesis, body, **changes) -> Run:
    loop = SampleLoop()
    try:
        run = Run(make_hypothesis(body, max_trials=10, **changes), Sampler(Settings(), None), loop)
        loop.run(run.go())
    finally:
        loop.close()
    return run


def test_in_an_async_body_it_runs_beside_the_loop(make_hypothesis) -> None:
    async def body(case, arm, trial) -> bool:
        return (await thread_of("a")).startswith("velo-body")

    assert ran(make_hypothesis, body).verdict is Verdict.SUPPORTED


def test_in_a_plain_body_it_runs_in_place(make_hypothesis) -> None:
    def body(case, arm, trial) -> bool:
        return thread_of("a") == threading.current_thread().name

    assert ran(make_hypothesis, body, is_async=False).verdict is Verdict.SUPPORTED


def test_its_failed_assert_is_an_outcome(make_hypothesis) -> None:
    async def body(case, arm, trial) -> bool:
        await thread_of("")
        return True

    run = ran(make_hypothesis, body)
    assert run.verdict is Verdict.REFUTED
    assert run.trials[0].detail.startswith("nothing to score")


def test_a_call_that_was_not_awaited_is_an_error(make_hypothesis) -> None:
    async def body(case, arm, trial) -> bool:
        thread_of("a")
        return True

    run = ran(make_hypothesis, body)
    assert "scorer thread_of(...) had not ended" in run.error.what
    assert "await thread_of(...)" in run.error.fix


def test_an_outcome_that_depends_on_the_speed_of_the_machine_is_an_error(make_hypothesis) -> None:
    started, released = threading.Event(), threading.Event()

    @scorer
    def waits() -> None:
        started.set()
        released.wait()

    async def body(case, arm, trial) -> bool:
        import asyncio

        call = asyncio.ensure_future(waits())
        await asyncio.to_thread(started.wait)
        call.cancel()
        await asyncio.wait([call])
        return False

    try:
        run = ran(make_hypothesis, body)
    finally:
        released.set()
    assert "the body cancelled waits(...)" in run.error.what
    assert "timeout=" in run.error.fix
