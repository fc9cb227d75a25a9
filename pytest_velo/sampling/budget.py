"""The budget: what a call may cost is reserved before it is sent, what it did cost is booked afterwards."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import Protocol, cast

from pytest_velo.errors import BudgetError, LostCallError, UsageError
from pytest_velo.providers.base import Provider
from pytest_velo.records import Reply, Request
from pytest_velo.sampling.pacing import Clock
from pytest_velo.sampling.pricing import worst_case
from pytest_velo.settings import Endpoint, Settings

HARD_STOP_SHARE = 0.10
"""Share of the cap by which the worst case of all calls in flight may exceed it.

Within this share, calls are reserved at their usual price; beyond it, at their worst price.
"""
_MIN_KNOWN = 20  # settled calls of a model before its 99th percentile is used
_N_KNOWN = 500  # settled calls of a model that the percentile looks back on
_POLL_S = 0.1  # how often shared accounts are polled while a call waits
_PATIENCE_S = 10.0  # how long to wait for other processes to settle something

_EPSILON_USD = 1e-9


class Ledger(Protocol):
    """The accounts of a session's money, exact across the processes that share them."""

    def reserve(self, session: str, amount: float, cap: float) -> bool:
        """Reserve `amount` unless spent, reserved and `amount` together exceed `cap`."""
        ...

    def settle(self, session: str, reserved: float, actual: float) -> None:
        """Replace a reservation by what was spent."""
        ...

    def spent(self, session: str) -> float:
        """Return the dollars spent and reserved."""
        ...


class LocalLedger:
    """The accounts of a process that does not share its budget."""

    def __init__(self) -> None:
        self._booked: dict[str, float] = {}

    def reserve(self, session: str, amount: float, cap: float) -> bool:
        """Reserve `amount` unless spent, reserved and `amount` together exceed `cap`."""
        booked = self.spent(session) + amount
        if booked > cap + _EPSILON_USD:
            return False
        self._booked[session] = booked
        return True

    def settle(self, session: str, reserved: float, actual: float) -> None:
        """Replace a reservation by what was spent."""
        self._booked[session] = self.spent(session) - reserved + actual

    def spent(self, session: str) -> float:
        """Return the dollars spent and reserved."""
        return self._booked.get(session, 0.0)


def shared_ledger(settings: Settings, store: object) -> Ledger | None:
    """Return the store's accounts if other workers use them too; None for a single process."""
    if settings.workers > 1 and hasattr(store, "reserve"):
        return cast(Ledger, store)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Dollars reserved for one call: the amount held, and what the call may cost at worst."""

    model: str
    held_usd: float
    worst_usd: float


class Budget:
    """Reserves and books dollars; one per process.

    A model's first calls are reserved at their worst case, later ones at the running 99th percentile. What
    the percentile leaves uncovered, over all calls in flight, stays within `HARD_STOP_SHARE` of the cap. So,
    as long as no call exceeds its worst case, spending ends at 1.1 times the cap at the very most, and only
    if calls in flight turn out more expensive than 99 % of those before them.

    Args:
        cap_usd: Dollars this session may spend, >= 0.
        ledger: The accounts; shared with the other workers, if there are any.
        session: The session's name in the accounts.
        workers: Processes that share the cap, >= 1.
        clock: Where time comes from.

    Attributes:
        waited_s: Seconds in which a call was ready and waited for what others had reserved.
    """

    def __init__(
        self, cap_usd: float, *, ledger: Ledger, clock: Clock, session: str = "", workers: int = 1
    ) -> None:
        self._cap_usd = cap_usd
        self._ledger = ledger
        self._session = session
        self._workers = workers
        self._clock = clock
        self._uncovered_left_usd = HARD_STOP_SHARE * cap_usd / workers
        self._known: dict[str, _Costs] = {}
        self._n_outstanding = 0
        self._is_used_up = False
        self.waited_s = 0.0
        self._door = asyncio.Lock()  # first come, first served: an expensive call is not overtaken forever
        self._settled: asyncio.Future[None] | None = None

    async def reserve(self, model: str, worst_usd: float) -> Reservation:
        """Reserve what a call may cost, waiting for calls in flight if they hold the rest.

        Raises:
            BudgetError: It could exceed the cap even if nothing else were outstanding.
        """
        async with self._door:
            while True:
                held = self._held_usd(model, worst_usd)
                if self._ledger.reserve(self._session, held, self._cap_usd):
                    self._n_outstanding += 1
                    self._uncovered_left_usd -= worst_usd - held
                    return Reservation(model=model, held_usd=held, worst_usd=worst_usd)
                begun = self._clock.now()
                if not await self._something_settles():
                    raise self._exhausted(model, held)
                self.waited_s += self._clock.now() - begun

    def settle(self, reservation: Reservation, spent_usd: float | None) -> None:
        """Book what a call cost; 0 if it was not made, None (its worst case) if unknown."""
        known = spent_usd is not None
        spent = spent_usd if spent_usd is not None else reservation.worst_usd
        try:
            self._ledger.settle(self._session, reservation.held_usd, spent)
        finally:  # accounts that cannot be written must not leave others waiting for this call
            self._landed(reservation, spent if known else 0.0)

    def _landed(self, reservation: Reservation, known_usd: float) -> None:
        self._n_outstanding -= 1
        self._uncovered_left_usd += reservation.worst_usd - reservation.held_usd
        if known_usd > 0:
            self._known.setdefault(reservation.model, _Costs()).add(known_usd)
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)

    def _held_usd(self, model: str, worst_usd: float) -> float:
        costs = self._known.get(model)
        usual = worst_usd if costs is None else min(worst_usd, costs.usual_usd(worst_usd))
        return max(usual, worst_usd - max(0.0, self._uncovered_left_usd))

    async def _something_settles(self) -> bool:
        """Wait until a call ends, here or in another process; False when none is outstanding."""
        if self._n_outstanding:
            self._settled = asyncio.get_running_loop().create_future()
            await self._settled
            return True
        if self._workers == 1 or self._is_used_up:
            return False
        before = self._ledger.spent(self._session)
        for _ in range(round(_PATIENCE_S / _POLL_S)):
            await self._clock.sleep(_POLL_S)
            if self._ledger.spent(self._session) != before:
                return True
        self._is_used_up = True  # so that a session waits for this once
        return False

    def _exhausted(self, model: str, held_usd: float) -> BudgetError:
        spent = self._ledger.spent(self._session)
        enough = max(1.0, 2 * self._cap_usd, ceil(spent + held_usd))
        return BudgetError(
            f"the budget of {_usd(self._cap_usd)} does not allow another call: {_usd(spent)} are spent or"
            f" set aside, and a call of {model} may cost {_usd(held_usd)}",
            fix=f"--velo-budget={enough:.2f} continues from here (draws made so far are kept); a max_tokens="
            " on the call lowers what it may cost",
        )


def _usd(amount: float) -> str:
    """Format dollars so that a cheap call's price is not a row of zeros."""
    return f"${amount:.2f}" if amount >= 0.01 or not amount else f"${amount:.6f}".rstrip("0")


class Budgeted:
    """A provider that makes no call the budget does not allow.

    Args:
        inner: Makes the call and prices the reply.
        endpoint: Where the calls go.
        budget: The session's budget.
    """

    def __init__(self, inner: Provider, endpoint: Endpoint, budget: Budget) -> None:
        self._inner = inner
        self._endpoint = endpoint
        self._budget = budget

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply; a call that ends in an error or is cancelled is booked as free.

        What a provider bills for an attempt without a reply cannot be known here: such attempts are counted
        (`Gated.n_lost`) and reported. One whose process was lost may have been answered in full: it is booked
        at its worst case.

        Raises:
            BudgetError: The call could exceed the budget.
            UsageError: The model's price is unknown.
        """
        model = f"{self._endpoint.name}/{request.model}"
        worst_usd = worst_case(self._endpoint, request)
        if worst_usd is None:
            raise UsageError(
                f"the price of a call to {model} is unknown, so the budget cannot be enforced",
                where=f"model {model}",
                fix="declare price=IN/OUT (dollars per million tokens) or price=free on its endpoint,"
                " or run with --velo-budget=none",
            )
        reservation = await self._budget.reserve(model, worst_usd)
        spent_usd: float | None = 0.0
        try:
            reply = await self._inner.complete(request, seed)
            spent_usd = reply.cost_usd
            return reply
        except LostCallError as error:
            spent_usd = None if error.was_sent else 0.0
            raise
        finally:
            self._budget.settle(reservation, spent_usd)

    async def aclose(self) -> None:
        """Close the provider."""
        await self._inner.aclose()


class _Costs:
    """The last costs of one model, in order of time and of size."""

    __slots__ = ("_by_size", "_by_time")

    def __init__(self) -> None:
        self._by_time: deque[float] = deque()
        self._by_size: list[float] = []

    def add(self, cost_usd: float) -> None:
        if len(self._by_time) == _N_KNOWN:
            oldest = self._by_time.popleft()
            del self._by_size[bisect_left(self._by_size, oldest)]
        self._by_time.append(cost_usd)
        insort(self._by_size, cost_usd)

    def usual_usd(self, unknown_usd: float) -> float:
        """Return the 99th percentile, or `unknown_usd` while too few are known."""
        n = len(self._by_size)
        return unknown_usd if n < _MIN_KNOWN else self._by_size[ceil(0.99 * n) - 1]
