"""The source of every draw: read if it is stored, otherwise made, and made only once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from pytest_velo.cache.keys import request_key
from pytest_velo.errors import CacheMissError
from pytest_velo.providers.outgoing import Outgoing
from pytest_velo.providers.registry import ProviderFactory, Target, check_access
from pytest_velo.records import Address, Draw, Reply, Request, Slot, add_costs
from pytest_velo.sampling.budget import Budget, Ledger, LocalLedger, shared_ledger
from pytest_velo.sampling.channels import Channel
from pytest_velo.sampling.draws import DrawMemory, DrawStore, Recorded
from pytest_velo.sampling.elsewhere import asker
from pytest_velo.sampling.flights import Flight
from pytest_velo.sampling.jobs import stopped
from pytest_velo.sampling.leasing import OneMaker
from pytest_velo.sampling.pacing import Clock, SystemClock
from pytest_velo.sampling.pricing import worst_case
from pytest_velo.sampling.refusals import not_estimated, would_pay
from pytest_velo.sampling.retrying import RetryPolicy
from pytest_velo.sampling.seeds import slot_seed
from pytest_velo.sampling.sharing import OneMachine, Shared
from pytest_velo.sampling.stats import SamplingStats
from pytest_velo.settings import Api, Mode, Settings

WIND_DOWN_S = 5.0  # how long calls under way may still finish when sampling ends


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawResult:
    """A draw; `cached` if it was read, or made for another caller at the same time."""

    reply: Reply
    address: Address
    drawn_at: str
    cached: bool


class Sampler:
    """Gets draws, on the sampling loop; one per process and session.

    Every address is drawn at most once at a time, whoever asks for it; where it costs money, by one process
    only of those that share the store. A waiter that is cancelled leaves the draw to others that wait for it.
    When none is left, a call not yet sent is dropped unpaid, and one under way is stored when its reply
    comes, at the latest `WIND_DOWN_S` seconds after the end of sampling.

    Args:
        settings: Mode, root seed, concurrency, budget, workers, and whether paid draws may be made.
        store: Where draws are stored; None keeps them for this session only.
        cassettes: Recorded draws, read in replay after the store.
        session: The session's name in the store's accounts, the same for all its workers.
        providers: Wire families from plugins, by name.
        ledger: The accounts of the budget; by default the store's, if workers share it.
        clock: Where time comes from.
        policy: How long an endpoint's trouble is tolerated.
        before_paid: Called with the address of each draw that is about to be paid for.
    """

    def __init__(
        self,
        settings: Settings,
        store: DrawStore | None,
        cassettes: Sequence[Recorded] = (),
        *,
        session: str = "",
        providers: Mapping[str, ProviderFactory] | None = None,
        ledger: Ledger | None = None,
        clock: Clock | None = None,
        policy: RetryPolicy | None = None,
        before_paid: Callable[[Address], None] | None = None,
    ) -> None:
        self._before_paid = before_paid
        self._settings = settings
        self._store: DrawStore = DrawMemory() if store is None else store
        self._cassettes = cassettes
        self._clock: Clock = clock or SystemClock()
        self._one_maker = OneMaker(self._store, self._clock, self._read_elsewhere)
        self._opened_at = _now()
        self._one_machine = self._across_machines()
        self._flights: dict[Address, Flight] = {}
        self._channels: dict[str, Channel] = {}
        self._ready: set[str] = set()  # ids of models that passed `check_access`
        self._n_calls = 0
        self._n_cached = 0
        self._cost_usd: float | None = 0.0
        self._closed = False
        self._budget = self._make_budget(session, ledger or shared_ledger(settings, store))
        self._open = partial(
            Channel,
            settings=settings,
            clock=self._clock,
            budget=self._budget,
            n_kept=lambda: self._n_calls,
            policy=policy,
            factories=providers,
        )

    async def draw(
        self,
        target: Target,
        request: Request,
        *,
        slot: Slot,
        stream: str = "",
        key: str | None = None,
        may_pay: bool | None = None,
    ) -> DrawResult:
        """Return the draw of `request` for `slot`, committed to the store if it was made.

        Args:
            target: The endpoint and model.
            request: What is sent.
            slot: Which draw of the request.
            stream: The stream of draws; empty for the common one.
            key: The request's key, if the caller knows it.
            may_pay: Whether money may be spent; by default as in the settings.

        Raises:
            CacheMissError: In replay, the draw is neither stored nor recorded.
            WouldPayError: The draw would cost money, and paid draws are not enabled.
            BudgetError: The call could exceed the budget.
            StoppedError: Sampling has ended.
            NotDrawnError: In mode estimate, the draw is not stored.
            UsageError: The model's key is not set; or the budget is finite and the price unknown.
            OutageError, UnansweredError, AccessError, RequestError: The provider did not reply.
            StoreError: The shared store cannot be reached, and the draw may not be made without it.
        """
        address = Address(
            key=request_key(request) if key is None else key,
            seed=self._settings.seed,
            stream=stream,
            slot=str(slot),
        )
        # A scripted reply is computed: a stored one would outlive the edit of its function.
        kept = None if _is_computed(target) else self._read(address)
        if kept is None and self._one_machine is not None and not _is_computed(target):
            asked = self._settings.may_pay if may_pay is None else may_pay
            may_make = self._settings.mode is Mode.AUTO and (asked or target.endpoint.free)
            kept = await self._look_further(self._one_machine, request, address, may_make)
        if kept is None:
            return await self._join(target, request, address, may_pay)
        return self._reading(kept)

    def stats(self) -> SamplingStats:
        """Return the totals so far."""
        channels = tuple(self._channels.values())
        limits = [channel.throttling() for channel in channels]
        shared = self._one_machine
        return SamplingStats(
            n_calls=self._n_calls,
            n_cached=self._n_cached,
            n_retries=sum(channel.n_retries for channel in channels),
            n_lost=sum(channel.n_lost for channel in channels),
            cost_usd=self._cost_usd,
            n_cuts=sum(limit.n_cuts for limit in limits),
            throttled_s=sum(limit.throttled_s for limit in limits),
            paced_s=sum(limit.paced_s for limit in limits),
            budget_s=0.0 if self._budget is None else self._budget.waited_s,
            others_s=self._one_maker.waited_s + (0.0 if shared is None else shared.waited_s),
            away_s=0.0 if shared is None else shared.away_s,
            n_alone=0 if shared is None else shared.n_alone,
        )

    async def aclose(self, wind_down_s: float = WIND_DOWN_S) -> None:
        """End sampling: drop unsent calls, let those under way finish for `wind_down_s`, close providers."""
        self._closed = True
        tasks = [flight.task for flight in self._flights.values()]
        for flight in tuple(self._flights.values()):
            flight.abandon()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=wind_down_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for channel in self._channels.values():
            await channel.aclose()

    async def _join(
        self, target: Target, request: Request, address: Address, may_pay: bool | None
    ) -> DrawResult:
        """Wait for the draw being made at `address`; start it if there is none."""
        flight = self._flights.get(address)
        if flight is not None and not flight.is_ending:
            return self._reading(await flight.join())
        self._permit(target, request, address, may_pay)
        flight = self._flights[address] = Flight(self._make(target, request, address))
        flight.task.add_done_callback(partial(self._landed, address, flight))
        made = await flight.join()
        return DrawResult(reply=made.reply, address=address, drawn_at=made.drawn_at, cached=made.reply.cached)

    def _read(self, address: Address) -> Draw | None:
        """Return what is stored at `address` and may be used in this mode."""
        draw = self._store.get(address)
        match self._settings.mode:
            case Mode.REFRESH if draw is not None and draw.drawn_at < self._opened_at:
                return None  # drawn before this session, by any worker
            case Mode.REPLAY if draw is None:
                found = (cassette.get(address) for cassette in self._cassettes)
                return next((recorded for recorded in found if recorded is not None), None)
            case _:
                return draw

    async def _look_further(
        self, shared: OneMachine, request: Request, address: Address, may_make: bool
    ) -> Draw | None:
        """Return the draw that another machine made; None if there is none, or it may not be used."""
        if self._settings.mode is Mode.REFRESH:
            return None  # its lease is asked for, which finds what was drawn since
        found = await shared.look(request, address, may_make=may_make)
        return self._read(address) if found is None else found

    def _reading(self, draw: Draw) -> DrawResult:
        self._n_cached += 1
        return DrawResult(
            reply=_as_read(draw.reply), address=draw.address, drawn_at=draw.drawn_at, cached=True
        )

    def _permit(self, target: Target, request: Request, address: Address, may_pay: bool | None) -> None:
        """Raise unless the draw may be made now."""
        if self._closed:
            raise stopped()
        where = f"model {target.id}, slot {address.slot}"
        mode = self._settings.mode
        if mode is Mode.ESTIMATE and not _is_computed(target):
            raise not_estimated(worst_case(target.endpoint, request), where)
        if mode is Mode.REPLAY and not _is_computed(target):
            raise CacheMissError(
                self._what_changed(request, address),
                where=where,
                fix="run once with --velo-mode=auto, then `velo cassette export`",
            )
        asked = self._settings.may_pay if may_pay is None else may_pay
        if not asked and not target.endpoint.free:
            raise would_pay(worst_case(target.endpoint, request), where)
        has_own_key = isinstance(request, Outgoing) and request.is_own
        # Who asks from elsewhere makes the call there, with what is there.
        if target.id not in self._ready and not has_own_key and asker.get() is None:
            check_access(target)
            self._ready.add(target.id)
        if self._before_paid is not None and not target.endpoint.free:
            self._before_paid(address)

    def _what_changed(self, request: Request, address: Address) -> str:
        told = f"this draw is not in the cache ({self._store.nearest_request(request, address)})"
        for cassette in self._cassettes:
            told += f", nor in a cassette ({cassette.nearest_request(request, address)})"
        return told

    def _read_elsewhere(self, address: Address) -> Draw | None:
        """Return the draw at `address` if another process has stored it since we looked."""
        draw = self._read(address)
        if draw is None:
            return None
        self._n_cached += 1
        return replace(draw, reply=_as_read(draw.reply))

    async def _make(self, target: Target, request: Request, address: Address) -> Draw:
        """Make the draw and store it, unless it costs money and another process does."""
        work = partial(self._call, target, request, address)
        if target.endpoint.free:
            return await work()
        if self._one_machine is not None:
            work = partial(self._one_machine.make, request, address, work)
        return await self._one_maker.make(address, work, target.endpoint.timeout_s)

    async def _call(self, target: Target, request: Request, address: Address) -> Draw:
        """Call the model, and store its reply."""
        seed = slot_seed(address.seed, address.key, address.slot, address.stream)
        reply = await self._channel(target).complete(request, seed)
        self._n_calls += 1
        self._cost_usd = add_costs((self._cost_usd, reply.cost_usd))
        drawn_at = _now()
        if _is_computed(target):
            return Draw(address=address, reply=reply, drawn_at=drawn_at)
        refresh = self._settings.mode is Mode.REFRESH
        # The stored draw may be another process's, which all then use: ours was paid for in vain.
        return await self._store.put(request, address, reply, drawn_at, replace=refresh)

    def _across_machines(self) -> OneMachine | None:
        if not isinstance(self._store, Shared):
            return None
        return OneMachine(
            self._store,
            self._clock,
            self._read_elsewhere,
            patience_s=self._settings.store_patience_s,
            since=self._opened_at if self._settings.mode is Mode.REFRESH else "",
        )

    def _channel(self, target: Target) -> Channel:
        name = target.endpoint.name
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = self._open(target.endpoint)
        return channel

    def _landed(self, address: Address, flight: Flight, task: asyncio.Task[Draw]) -> None:
        if not task.cancelled():
            task.exception()  # waiters have seen it; without any, asyncio need not report it
        if self._flights.get(address) is flight:
            del self._flights[address]

    def _make_budget(self, session: str, ledger: Ledger | None) -> Budget | None:
        settings = self._settings
        if settings.budget_usd is None:
            return None
        # Without shared accounts each worker keeps to its part.
        alone = ledger is None
        return Budget(
            settings.budget_usd / (settings.workers if alone else 1),
            ledger=LocalLedger() if ledger is None else ledger,
            session=session,
            workers=1 if alone else settings.workers,
            clock=self._clock,
        )


def _is_computed(target: Target) -> bool:
    return target.endpoint.api is Api.SCRIPTED


def _as_read(reply: Reply) -> Reply:
    return reply if reply.cached else replace(reply, cached=True)


def _now() -> str:
    """Return the time, ISO 8601 in UTC, in a fixed width so that texts sort like times."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
