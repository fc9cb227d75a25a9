"""What a worker's process does on its loop: run trials, ask for their draws, make attempts when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from pytest_velo.errors import VeloError
from pytest_velo.providers.base import Provider
from pytest_velo.providers.outgoing import Outgoing
from pytest_velo.providers.registry import ProviderFactory, Target, check_access
from pytest_velo.records import Address, Reply, Request, Slot
from pytest_velo.runner.cancellation import cancel_all
from pytest_velo.runner.trials import TrialRunner
from pytest_velo.sampling.channels import Opened
from pytest_velo.sampling.flights import current_flight
from pytest_velo.sampling.jobs import stopped
from pytest_velo.sampling.readable import Readable
from pytest_velo.sampling.sampler import DrawResult, Sampler
from pytest_velo.settings import Api, Settings
from pytest_velo.shards import plain
from pytest_velo.shards.messages import Answer, Ask, Attempt, Drop, Ended, Made, Message

Post = Callable[[Message], None]


@dataclass(slots=True, kw_only=True)
class Served:
    """A run whose trials this process runs.

    Attributes:
        runner: Runs a trial.
        case: Returns the case of a digest, for a repeat.
        seeds: Its trials' seeds by turn, which its hypothesis refers to.
        around: Returns the context for a trial's body, and what gives the texts that it said.
        tally: Returns how many outcomes its body has had, and how many were a returned None.
    """

    runner: TrialRunner
    case: Callable[[str, int], Any]
    seeds: dict[int, int]
    around: Callable[[], tuple[Context, Callable[[], list[tuple[str, str]]]]]
    tally: Callable[[], tuple[int, int]]
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    told_tally: tuple[int, int] = (0, 0)
    told_outside: dict[str, int] = field(default_factory=dict)


class Service:
    """The worker's side, on its sampling loop.

    Args:
        post: Sends a message to the controller, from any thread.
        settings: The session's.
        factories: The wire families of plugins, by name.
        host: Where this is, for errors.
    """

    def __init__(
        self, post: Post, settings: Settings, factories: Mapping[str, ProviderFactory], host: str
    ) -> None:
        self._post = post
        self._settings = settings
        self._factories = factories
        self._host = host
        self._runs: dict[int, Served] = {}
        self._calls: dict[int, tuple[asyncio.Future[DrawResult], Target, Request]] = {}
        self._ids = count()
        self._providers: dict[str, Provider] = {}
        self._ready: set[str] = set()
        self._scripted = Sampler(settings, None)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, run: int, served: Served) -> None:
        """Serve a run from now on."""
        self._runs[run] = served

    def start(self, run: int, body: str) -> None:
        """Start the trials of a shard, each in a context of its own."""
        served = self._runs.get(run)
        if served is None:
            return  # it was refused, or is over
        for planned, seed in plain.loads(body):
            context, said = served.around()
            task = asyncio.get_running_loop().create_task(
                self._trial(run, served, planned, seed, said), context=context
            )
            served.tasks.add(task)
            task.add_done_callback(served.tasks.discard)

    async def end(self, run: int) -> None:
        """End a run: its trials get no more draws, and calls under way go on."""
        served = self._runs.pop(run, None)
        if served is not None:
            served.runner.stop()
            await cancel_all(served.tasks)

    async def draw(self, run: int, target: Target, request: Request, *, key: str, slot: Slot) -> DrawResult:
        """Ask the controller for a draw, which has the cache, the budget and the limits."""
        if target.endpoint.api is Api.SCRIPTED:
            return await self._scripted.draw(target, request, key=key, slot=slot, may_pay=True)
        call = next(self._ids)
        future: asyncio.Future[DrawResult] = asyncio.get_running_loop().create_future()
        self._calls[call] = future, target, request
        place = (slot.case, slot.repeat, slot.ordinal, slot.label)
        body = plain.dumps(plain.request_to_plain(request))
        self._post(Ask(call=call, run=run, target=target.id, key=key, slot=place, body=body))
        try:
            return await future
        except asyncio.CancelledError:
            self._post(Drop(call=call))
            raise
        finally:
            del self._calls[call]

    def answer(self, answer: Answer) -> None:
        """Give a call its draw, or the reason why there is none."""
        future = self._calls[answer.call][0] if answer.call in self._calls else None
        if future is None or future.done():
            return
        told = plain.loads(answer.body)
        if answer.failed:
            future.set_exception(plain.error_from_plain(told))
            return
        key, seed, stream, slot = told["address"]
        future.set_result(
            DrawResult(
                reply=plain.reply_from_plain(told["reply"]),
                address=Address(key=key, seed=seed, stream=stream, slot=slot),
                drawn_at=told["drawn_at"],
                cached=told["cached"],
            )
        )

    def attempt(self, attempt: Attempt) -> None:
        """Make an attempt, which goes on to its end whatever becomes of the trial."""
        _, target, request = self._calls.get(attempt.call, (None, None, None))
        if target is None or request is None:
            self._tell(attempt, error=stopped())
            return
        if attempt.n != request.parameters.get("n"):
            request = replace(request, parameters={**request.parameters, "n": attempt.n})
        self._spawn(self._make(attempt, target, request))

    async def aclose(self) -> None:
        """Close the providers."""
        for provider in self._providers.values():
            await provider.aclose()

    async def _make(self, attempt: Attempt, target: Target, request: Request) -> None:
        current_flight.set(_Flying())  # it is no connection of a body's
        try:
            self._check(target, request)
            reply = await self._provider(target).complete(request, attempt.seed)
        except Exception as error:
            self._tell(attempt, error=error)
        else:
            self._tell(attempt, reply=reply)

    def _tell(self, attempt: Attempt, *, reply: Reply | None = None, error: Exception | None = None) -> None:
        if error is not None:
            body = plain.dumps(plain.error_to_plain(error))
        else:
            assert reply is not None
            body = plain.dumps(plain.reply_to_plain(reply))
        self._post(Made(attempt=attempt.attempt, body=body, failed=error is not None))

    def _check(self, target: Target, request: Request) -> None:
        """Check that what the model needs is on this host: the key above all."""
        if target.id in self._ready or (isinstance(request, Outgoing) and request.is_own):
            return
        try:
            check_access(target)
        except VeloError as error:
            error.where = f"{error.where}, on the worker's host {self._host}"
            raise
        self._ready.add(target.id)

    def _provider(self, target: Target) -> Provider:
        endpoint = target.endpoint
        if endpoint.name not in self._providers:
            opened = Opened(endpoint, slots=self._settings.concurrency, factories=self._factories)
            self._providers[endpoint.name] = Readable(opened, f"endpoint {endpoint.name}")
        return self._providers[endpoint.name]

    async def _trial(
        self,
        run: int,
        served: Served,
        planned: plain.Plain,
        seed: int,
        said: Callable[[], list[tuple[str, str]]],
    ) -> None:
        try:
            served.seeds[planned["turn"]] = seed
            case = served.case(planned["case_digest"], planned["repeat"])
            finished = await served.runner.run(plain.planned_from_plain(planned, case))
            told: plain.Plain = {"finished": plain.finished_to_plain(finished)}
        except Exception as error:
            told = {"error": plain.error_to_plain(error)}
        told |= {"said": said(), "tally": self._tally(served), "outside": self._outside(served)}
        self._post(Ended(run=run, index=planned["index"], body=plain.dumps(told)))

    @staticmethod
    def _tally(served: Served) -> tuple[int, int]:
        """Return what was counted since it was last told."""
        before, served.told_tally = served.told_tally, served.tally()
        return served.told_tally[0] - before[0], served.told_tally[1] - before[1]

    @staticmethod
    def _outside(served: Served) -> dict[str, int]:
        before, served.told_outside = served.told_outside, served.runner.outside.addresses
        now = served.told_outside
        return {at: n - before.get(at, 0) for at, n in now.items() if n > before.get(at, 0)}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Asking:
    """The drawer of one run's trials."""

    def __init__(self, service: Service, run: int) -> None:
        self._service = service
        self._run = run

    async def draw(
        self, target: Target, request: Request, *, key: str, slot: Slot, stream: str, may_pay: bool
    ) -> DrawResult:
        """Return the draw; the controller knows stream and payment."""
        return await self._service.draw(self._run, target, request, key=key, slot=slot)


class _Flying:
    """Marks a context as one of the sampler's."""

    def departed(self) -> None:
        """Nothing is counted here."""

    def failed(self) -> None:
        """Nothing is counted here."""
