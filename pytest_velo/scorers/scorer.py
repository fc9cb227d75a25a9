"""`@scorer`: a function that bodies call to score something, beside the loop or in a process of its own."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar, overload

from pytest_velo import parallel
from pytest_velo.errors import BodyError, ScorerError, UsageError, tell
from pytest_velo.lazy import load
from pytest_velo.sampling.outside import watched
from pytest_velo.sampling.pending import Pending
from pytest_velo.sampling.scope import TrialScope, current

P = ParamSpec("P")
T = TypeVar("T")


class Scorer(Generic[P, T]):
    """A function that bodies call; see `scorer`."""

    def __init__(self, function: Callable[P, T], *, process: bool, timeout_s: float | None) -> None:
        self._function = function
        self._process = process
        self._timeout_s = timeout_s
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Score: what `function` returns in a plain body, what must be awaited for it in an async one.

        Raises:
            BodyError: Outside a trial.
        """
        scope = current(f"{self._name}(...)")
        if scope.block is None:
            return self._pending(scope, args, kwargs)
        if self._process:
            return scope.block(self._away(scope, args, kwargs))
        return self._function(*args, **kwargs)

    def __reduce__(self) -> Any:
        """In another process it is the plain function: it runs there already."""
        return _itself, (self._function,)

    def __repr__(self) -> str:
        return f"<scorer {self._name}>"

    @property
    def _name(self) -> str:
        return getattr(self._function, "__name__", repr(self._function))

    def _pending(self, scope: TrialScope, args: Any, kwargs: Any) -> Pending[T]:
        what = f"{self._name}(...)"
        scope.expect(what)

        async def score() -> T:
            try:
                if self._process:
                    return await self._away(scope, args, kwargs)
                return await scope.apart(partial(self._function, *args, **kwargs))
            except asyncio.CancelledError:
                scope.give_up(what)
                raise
            finally:
                scope.expect_no_more(what)

        return Pending(what, score)

    async def _away(self, scope: TrialScope, args: Any, kwargs: Any) -> T:
        """Score in a process."""
        parcels = scope.parcels
        if self not in parcels:
            parcels[self] = parallel.Parcel(self._function, f"the scorer `{self._name}`")
        outside = watched()
        watch = {} if outside is None else {"watch": outside.elsewhere()}
        work = parallel.Work(parcels[self], args, kwargs, timeout_s=self._timeout_s, **watch)
        began_s = time.monotonic()
        try:
            result: T = await scope.crew().run(work)
        except ScorerError as error:
            scope.fail(error)  # whatever the body makes of it
            raise
        finally:
            scope.scored_s += time.monotonic() - began_s
            if outside is not None:
                outside.take(work.seen, work.trouble if isinstance(work.trouble, BodyError) else None)
            for told in work.told:
                if isinstance(told, Exception):
                    tell(told)
        return result


@overload
def scorer(function: Callable[P, T], /) -> Scorer[P, T]: ...
@overload
def scorer(
    *, process: bool = False, timeout: float | None = None
) -> Callable[[Callable[P, T]], Scorer[P, T]]: ...
def scorer(
    function: Callable[P, T] | None = None, /, *, process: bool = False, timeout: float | None = None
) -> Scorer[P, T] | Callable[[Callable[P, T]], Scorer[P, T]]:
    """Make a function one that bodies call to score something: embeddings, code to run, a slow parser.

    In an `async def` body it is awaited, and runs in a thread, so that model calls go on; in a plain body it
    is called, and runs in place. What it raises is raised in the body: a failed assert is an outcome there.

    Args:
        function: What scores. It calls no model: it gets what models replied.
        process: Run it in a process of its own, one for each processor (`--velo-jobs=N`), started on first
            use and kept. For work that needs a processor, which threads of Python share, and for code that
            may crash. What it is given and what it returns are copies. A process that dies or takes too long
            is an error of the trial, never an outcome.
        timeout: How many seconds it may take in its process, above 0; None for no limit.

    Raises:
        UsageError: There is no function that can run so.

    Example:
        ```python
        from difflib import SequenceMatcher

        import pytest
        from pytest_velo import mean, scorer, scripted

        POET = scripted("poet", ["The fog comes on little cat feet.", "Fog comes, on little feet."])


        @scorer(process=True, timeout=20)
        def similarity(text, other):
            return SequenceMatcher(None, text, other).ratio()


        @pytest.mark.hypothesis(mean(0, 1) >= 0.6, models=[POET])
        async def test_it_knows_the_poem(model):
            "On average its line is like the poem's."
            reply = await model("How does Sandburg's Fog begin?")
            return await similarity(reply.text, "The fog comes on little cat feet.")
        ```
    """
    _check_timeout(process, timeout)
    if process:
        load(parallel)  # now: two threads that load modules at once can break Python 3.11's parser

    def decorate(function: Callable[P, T]) -> Scorer[P, T]:
        _check_function(function)
        return Scorer(function, process=process, timeout_s=timeout)

    return decorate if function is None else decorate(function)


def _check_timeout(process: bool, timeout: float | None) -> None:
    if timeout is None:
        return
    if not process:
        raise UsageError(
            "a function in a thread cannot be ended, so it has no timeout",
            where="@scorer",
            fix="@scorer(process=True, timeout=...)",
        )
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < float("inf"):
        raise UsageError(
            f"timeout must be seconds, above 0, got {timeout!r}", where="@scorer", fix="timeout=30"
        )


def _check_function(function: object) -> None:
    name = getattr(function, "__name__", repr(function))
    if inspect.iscoroutinefunction(function):
        raise UsageError(
            f"`{name}` is `async def`, and a scorer is a plain function",
            where="@scorer",
            fix=f"leave the decorator out and `await {name}(...)` in the body, or make it `def`",
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(f"`{name}` is a generator", where="@scorer", fix="return the score")
    if not callable(function) or isinstance(function, type):
        raise UsageError(
            f"a scorer is a function, got {function!r}", where="@scorer", fix="@scorer above its `def`"
        )


def _itself(function: Callable[P, T]) -> Callable[P, T]:
    return function
