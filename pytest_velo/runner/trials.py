"""One trial: run the body once and read its result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pytest_velo.case_sets import Planned, fresh, is_shared_safely, target_of
from pytest_velo.errors import BodyError, InvalidTrial
from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.hypothesis import Hypothesis, Reading
from pytest_velo.runner.keeping import Keeper
from pytest_velo.sampling.drawing import Drawer
from pytest_velo.sampling.halt import Halt
from pytest_velo.sampling.outside import Outside, watch
from pytest_velo.sampling.scope import TrialScope, enter
from pytest_velo.sampling.seeds import derive
from pytest_velo.sampling.trial import Trial
from pytest_velo.settings import Endpoint

if TYPE_CHECKING:
    from pytest_velo.parallel import Crew, Parcel

T = TypeVar("T")


class Threads(Protocol):
    """Runs plain bodies, and brings their model calls back to the loop."""

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop from a body's thread and wait for it."""
        ...

    def run_blocking(self, func: Callable[[], T]) -> Awaitable[T]:
        """Run `func` in a worker thread, in the caller's context."""
        ...

    def crew(self) -> Crew:
        """Return the processes of scorers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A trial that ended: its record, or the error that ends the hypothesis."""

    planned: Planned
    record: TrialRecord
    error: BaseException | None = None
    exception: BaseException | None = None
    notices: tuple[str, ...] = ()


class Trials(Protocol):
    """Runs the trials of one hypothesis: here, or elsewhere."""

    @property
    def outside(self) -> Outside:
        """The connections that its bodies opened past the sampler."""
        ...

    def stop(self) -> None:
        """Give running trials no more draws: they are about to be cancelled."""
        ...

    async def run(self, planned: Planned) -> Finished:
        """Run one trial; every exception except a cancellation after `stop` is in the `Finished`."""
        ...

    def scoring(self, spent_s: float) -> str:
        """Say that scorers took most of the `spent_s` seconds of the trials; empty if they did not."""
        ...


def seed_of(hypothesis: Hypothesis, turn: int) -> int:
    """Return the seed of a trial, and of its counterparts in the other arms."""
    if hypothesis.seeds is not None:
        return hypothesis.seeds[turn]
    return derive(hypothesis.seed, hypothesis.set_digest or hypothesis.node_id, turn)


class TrialRunner:
    """Runs the trials of one hypothesis, each in its own context."""

    def __init__(self, hypothesis: Hypothesis, drawer: Drawer, threads: Threads) -> None:
        self._hypothesis = hypothesis
        self._drawer = drawer
        self._threads = threads
        self._scopes: set[TrialScope] = set()
        self._keeper = Keeper()
        self._stopped = False
        self._parcels: dict[Any, Parcel] = {}
        self._scored_s = 0.0
        self.outside = Outside(hypothesis.opens_nothing, adopts=hypothesis.adopts is not None)

    def stop(self) -> None:
        """Give running trials no more draws: they are about to be cancelled."""
        self._stopped = True
        for scope in self._scopes:
            scope.end()

    def scoring(self, spent_s: float) -> str:
        """Say that scorers took most of the `spent_s` seconds of the trials; empty if they did not."""
        if self._scored_s < _LONG_S or self._scored_s < spent_s / 2:
            return ""
        return (
            f"{self._scored_s / spent_s:.0%} of the trials' time went to scorers in processes, waiting for a"
            f" free one included; {self._threads.crew().size} ran at once (--velo-jobs=N)"
        )

    async def run(self, planned: Planned) -> Finished:
        """Run one trial; every exception except a cancellation after `stop` is returned in the `Finished`."""
        hypothesis = self._hypothesis
        trial = Trial(index=planned.turn, repeat=planned.repeat, seed=seed_of(hypothesis, planned.turn))
        # The body has one of its own, also in each arm: the record keeps what it was given.
        case = planned.case if is_shared_safely(planned.case) else fresh(planned.case)
        scope = self._scope(planned, trial, case)
        enter(scope)
        watch(self.outside)
        if hypothesis.adopts is not None:
            self._adopt(hypothesis.adopts)
        self._scopes.add(scope)
        try:
            values = hypothesis.outcomes.value(await self._call(case, planned.arm, trial))
            _check_calls(scope)
            if self.outside.trouble is not None:
                raise self.outside.trouble  # the body caught it
        except asyncio.CancelledError as error:
            if self._stopped:
                raise
            return self._failed(planned, scope, _cancelled_itself(error))
        except BaseException as error:
            return self._failed(planned, scope, error)
        finally:
            scope.end()
            self._scopes.discard(scope)
            self._scored_s += scope.scored_s
        if scope.invalid is not None:
            return self._finished(planned, scope, OutcomeKind.INVALID, {}, Reading(invalid=scope.invalid))
        return self._finished(planned, scope, self._kind(values), values, Reading())

    def _scope(self, planned: Planned, trial: Trial, case: Any) -> TrialScope:
        hypothesis = self._hypothesis
        return TrialScope(
            trial=trial,
            case=case,
            arm=planned.arm,
            case_digest=planned.case_digest,
            stream=hypothesis.stream,
            may_pay=hypothesis.may_pay,
            drawer=self._drawer,
            block=None if hypothesis.is_async else self._threads.call,
            folder=hypothesis.folder,
            apart=self._apart,
            home=asyncio.get_running_loop(),
            crew=self._crew,
            parcels=self._parcels,
            allow_cut=hypothesis.allow_cut,
            allow_empty=hypothesis.allow_empty,
        )

    @staticmethod
    def _adopt(endpoints: Sequence[Endpoint]) -> None:
        from pytest_velo.sampling.adopting import (
            adopt,  # weight: the HTTP libraries, where clients are adopted
        )

        adopt(endpoints)

    def _call(self, case: Any, arm: str, trial: Trial) -> Awaitable[Any]:
        body = self._hypothesis.body
        if self._hypothesis.is_async:
            awaitable: Awaitable[Any] = body(case, arm, trial)
            return awaitable
        return self._threads.run_blocking(partial(body, case, arm, trial))

    def _apart(self, func: Callable[[], T]) -> Awaitable[T]:
        """Run a plain tool of an async body in a worker thread."""
        return self._threads.run_blocking(func)

    def _crew(self) -> Crew:
        return self._threads.crew()

    def _failed(self, planned: Planned, scope: TrialScope, error: BaseException) -> Finished:
        if isinstance(error, Halt):
            error = error.reason.with_traceback(error.__traceback__)
        if self.outside.trouble is not None:
            # It adds the line of the test.
            reading = self._hypothesis.outcomes.exception(self.outside.trouble)
        elif scope.trouble is not None and (error is not scope.trouble or not isinstance(error, BodyError)):
            reading = Reading(error=scope.trouble)  # whatever the body made of it
        elif scope.invalid is not None and not isinstance(error, BodyError):
            reading = Reading(invalid=scope.invalid)
        elif isinstance(error, InvalidTrial):
            reading = Reading(invalid=error.reason)
        else:
            reading = self._hypothesis.outcomes.exception(error)
        # A task group cancels the rest after a failed assert.
        if reading.against and scope.n_given_up and not isinstance(error, BaseExceptionGroup):
            reading = Reading(error=_gave_up(scope.given_up))
        if reading.error is not None:
            detail = str(reading.error)
            record = self._record(planned, scope, OutcomeKind.INVALID, {}, Reading(detail=detail))
            return Finished(planned=planned, record=record, error=reading.error)
        if reading.invalid is not None:
            return self._finished(planned, scope, OutcomeKind.INVALID, {}, reading)
        name = self._hypothesis.claim.statistics[0].name or ""
        kept = error if self._hypothesis.keep_exceptions else None
        return self._finished(planned, scope, OutcomeKind.ZERO, {name: 0.0}, reading, kept)

    def _kind(self, values: dict[str, float]) -> OutcomeKind:
        statistic, *others = self._hypothesis.claim.statistics
        if others or not statistic.binary:
            return OutcomeKind.VALUE
        return OutcomeKind.ONE if values[statistic.name or ""] else OutcomeKind.ZERO

    def _finished(
        self,
        planned: Planned,
        scope: TrialScope,
        kind: OutcomeKind,
        values: dict[str, float],
        reading: Reading,
        exception: BaseException | None = None,
    ) -> Finished:
        record = self._record(planned, scope, kind, values, reading)
        return Finished(planned=planned, record=record, exception=exception, notices=tuple(scope.notices))

    def _record(
        self,
        planned: Planned,
        scope: TrialScope,
        kind: OutcomeKind,
        values: dict[str, float],
        reading: Reading,
    ) -> TrialRecord:
        return TrialRecord(
            index=planned.index,
            case_id=planned.case_id,
            repeat=planned.repeat,
            seed=scope.trial.seed,
            arm=planned.arm,
            unit=planned.unit,
            unit_size=planned.unit_size,
            kind=kind,
            values=self._keeper.values(values),
            detail=reading.invalid or reading.detail,
            location=reading.location,
            rung=self._hypothesis.rung,
            target=target_of(planned.case),
            case=planned.case,
            notes=scope.trial.notes,
            calls=self._keeper.calls(scope.calls),
            stubs=tuple(scope.stubs),
        )


_LONG_S = 20.0  # scorers that took less in all are not worth a line


def _check_calls(scope: TrialScope) -> None:
    """Raise if a body returned without having awaited all of its calls."""
    if scope.trouble is not None:
        raise scope.trouble  # the body caught it
    if scope.n_given_up and scope.invalid is None:
        raise _gave_up(scope.given_up)
    if scope.unfinished:
        raise BodyError(
            f"the call of the scorer {scope.unfinished} had not ended when the body did",
            fix=f"write `await {scope.unfinished}`, and await every task the body starts",
        )
    if scope.n_unawaited:
        raise BodyError("a model call was never awaited", fix="write `await model(...)`")
    if scope.n_under_way:
        raise BodyError(
            "a model call was still under way when the body ended",
            fix="await every task the body starts, e.g. in an asyncio.TaskGroup",
        )


def _gave_up(what: str) -> BodyError:
    """Return the error of a body that cancelled a call: how long one takes says nothing about the model."""
    if what != "a model call":
        return BodyError(
            f"the body cancelled {what} (a time-out?), so its outcome depends on how fast this machine is",
            fix="wait for it; a time limit belongs to the scorer: @scorer(process=True, timeout=...)",
        )
    return BodyError(
        "the body cancelled a model call (a time-out?), so its outcome depends on how fast replies come",
        fix="wait for every call; a time limit belongs to the endpoint: timeout_s= in velo_endpoints",
    )


def _cancelled_itself(error: asyncio.CancelledError) -> BodyError:
    """Return the error of a body that ended as cancelled although sampling was not stopped."""
    problem = BodyError(
        "the body was cancelled from within, so there is no outcome",
        fix="catch asyncio.CancelledError inside the body",
    )
    problem.__cause__ = error
    return problem
