"""`check`: a claim tested in a notebook or a script, on the same core as a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, overload

from pytest_velo.claims import AnyClaim
from pytest_velo.designing.tracebacks import from_the_body
from pytest_velo.interactive.checking.calls import Asked, read_call
from pytest_velo.interactive.checking.finding import Finding
from pytest_velo.interactive.checking.progress import Progress, progress
from pytest_velo.interactive.checking.sampling import Sampling
from pytest_velo.interactive.checking.sweep import Sweep
from pytest_velo.interactive.session import Dollars, Session, opened

_POLL_S = 0.1


@overload
async def check(
    claim: AnyClaim,
    body: Callable[..., Any],
    *,
    over: Mapping[str, Any],
    budget: Dollars | None = None,
    seed: int | None = None,
    mode: str | None = None,
    **keywords: Any,
) -> Sweep: ...


@overload
async def check(
    claim: AnyClaim,
    body: Callable[..., Any],
    *,
    over: str | None = None,
    budget: Dollars | None = None,
    seed: int | None = None,
    mode: str | None = None,
    **keywords: Any,
) -> Finding: ...


async def check(
    claim: AnyClaim,
    body: Callable[..., Any],
    *,
    over: str | Mapping[str, Any] | None = None,
    budget: Dollars | None = None,
    seed: int | None = None,
    mode: str | None = None,
    **keywords: Any,
) -> Finding | Sweep:
    """Test a claim here and now, and await its finding.

    The body is what the function of a test is: it is called once for each trial, and takes `model`, `case`,
    `arm`, `trial`, `judge`, `velo` or a client by the names of its parameters. Draws come from the cache of
    the tests, calls may cost money up to the budget, and the run leaves a record, as a test session does.

    Args:
        claim: What is claimed, e.g. `rate >= 0.3`.
        body: An `async def` or plain `def` function.
        over: `"cases"` or `"population"`, as in a mark; or a mapping of parameters of the body to lists of
            values, `{"prompt": [a, b]}`: a sweep over every combination of them.
        budget: Dollars that this process may have spent in all, or `"none"`; None as the settings say.
        seed: The root seed; None as the settings say.
        mode: `"auto"`, `"replay"` (no call is made) or `"refresh"` (draws anew); None as the settings say.
        **keywords: Those of the mark `hypothesis`: `cases=`, `models=`, `max_trials=`, `alpha=`, `arms=`, ...

    Returns:
        The finding; for a sweep, one for each combination.

    Raises:
        UsageError: A mistake that can be seen without a call, such as a claim that could never be supported.
        Exception: What a body raised, if it is no failed assert; in a sweep, it is told in its row.

    Example:
        ```python
        import asyncio

        from pytest_velo import check, rate, scripted

        FARMER = scripted("farmer", ["17", "17", "17", "17", "18"])


        async def counts(model):
            "The model says 17."
            reply = await model("How many cows are there?")
            assert reply == "17"


        finding = asyncio.run(check(rate >= 0.5, counts, models=[FARMER]))
        assert finding.verdict == "supported"
        ```
    """
    __tracebackhide__ = True  # IPython leaves our frames out
    asked = read_call(claim, body, over=over, budget=budget, seed=seed, mode=mode, keywords=keywords)
    with opened(asked.settings) as session, progress(len(asked.members), by_itself=False) as live:
        sampling = Sampling(asked, session, live)
        await _joined(session, sampling, live)
    return _found(asked, sampling)


@overload
def check_sync(
    claim: AnyClaim,
    body: Callable[..., Any],
    *,
    over: Mapping[str, Any],
    budget: Dollars | None = None,
    seed: int | None = None,
    mode: str | None = None,
    **keywords: Any,
) -> Sweep: ...


@overload
def check_sync(
    claim: AnyClaim,
    body: Callable[..., Any],
    *,
    over: str | None = None,
    budget: Dollars | None = None,
    seed: int | None = None,
    mode: str | None = None,
    **keywords: Any,
) -> Finding: ...


def check_sync(
    claim: AnyClaim,
    body: Callable[..., Any],
    *,
    over: str | Mapping[str, Any] | None = None,
    budget: Dollars | None = None,
    seed: int | None = None,
    mode: str | None = None,
    **keywords: Any,
) -> Finding | Sweep:
    """Do what `check` does, and wait for it: for scripts, where no event loop runs.

    Args:
        claim: As in `check`, like all others.
        body: An `async def` or plain `def` function.
        over: What the claim is about, or a sweep.
        budget: Dollars that this process may have spent in all.
        seed: The root seed.
        mode: Where draws come from.
        **keywords: Those of the mark `hypothesis`.

    Returns:
        The finding; for a sweep, one for each combination.

    Raises:
        UsageError: As in `check`.

    Example:
        ```python
        from pytest_velo import check_sync, rate, scripted

        FARMER = scripted("farmer", ["17", "17", "17", "17", "18"])


        def counts(model):
            return model("How many cows are there?") == "17"


        print(check_sync(rate >= 0.5, counts, models=[FARMER]))
        ```
    """
    __tracebackhide__ = True  # IPython leaves our frames out
    asked = read_call(claim, body, over=over, budget=budget, seed=seed, mode=mode, keywords=keywords)
    with opened(asked.settings) as session, progress(len(asked.members), by_itself=True) as live:
        sampling = Sampling(asked, session, live)
        session.run(sampling.go())
    return _found(asked, sampling)


async def _joined(session: Session, sampling: Sampling, live: Progress) -> None:
    """Await the sampling, and draw its line meanwhile on this thread, which owns the display."""
    task = asyncio.ensure_future(session.join(sampling.go()))
    try:
        while not (await asyncio.wait({task}, timeout=_POLL_S))[0]:
            live.draw()
        await task
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise


def _found(asked: Asked, sampling: Sampling) -> Finding | Sweep:
    results = sampling.results()
    run_id = sampling.write(results).run_id
    errors = [prepared.run.error for prepared in sampling.prepared]
    if asked.over is None:
        if errors[0] is not None:
            raise from_the_body(errors[0], asked.body.function)
        return Finding(asked, results[0], run_id)
    return Sweep(asked, results, run_id)
