"""Sampling without pytest: what this process opens when no pytest session runs.

The settings are those that pytest would have if it were started here: the ini file that it finds, `addopts`
and the environment. The cache is the one that the tests use, so a draw is paid for once, whoever makes it.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pytest_velo.errors import BodyError, BudgetError, UsageError, tell
from pytest_velo.integration.config.found import found_settings, offered_families
from pytest_velo.providers import registry
from pytest_velo.providers.registry import ProviderFactory
from pytest_velo.sampling.budget import Ledger, LocalLedger
from pytest_velo.sampling.scope import is_running
from pytest_velo.sampling.session import SamplingSession, cassettes_in
from pytest_velo.settings import Api, Mode, Settings

if TYPE_CHECKING:
    from pytest_velo.records import Address

T = TypeVar("T")

Dollars = float | Literal["none"]


class Session(SamplingSession):
    """What an explicit request samples with. Get one by `opened`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def settings(self) -> Settings:
        """They do not change while it is open."""
        return self._settings

    @property
    def _ledger(self) -> Ledger:
        return _process.ledger

    @property
    def provider_factories(self) -> dict[str, ProviderFactory]:
        """The wire families of installed plugins, by name; looked for only where an endpoint needs one."""
        needed = {str(endpoint.api) for endpoint in self.settings.endpoints} - {*Api}
        return dict(offered_families()) if needed else {}

    def _cassettes_here(self) -> Iterable[Path]:
        """Return those of this folder."""
        return cassettes_in(Path("cassettes"))

    def holds(self, address: Address) -> bool:
        """Tell whether a draw is stored, and will be read instead of made."""
        if self.settings.mode is Mode.REFRESH:
            return False
        stored = self.stored
        return stored is not None and stored.holds(address)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the sampling loop and wait for it, whether or not a loop runs in this thread.

        Ctrl-C cancels the work and gives it a moment to finish with what it has. The session is then closed,
        and opened again on its next use.

        Raises:
            BudgetError: The work would exceed what this process may spend.
        """
        try:
            return self.loop.run(work)
        except BudgetError as error:
            error.fix = in_keywords(error.fix)
            raise
        except KeyboardInterrupt:
            self._resources.hurry()
            self.close()
            raise

    async def join(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the sampling loop and await it here, in a loop of the caller's.

        Raises:
            BudgetError: As in `run`.
        """
        try:
            return await self.loop.join(work)
        except BudgetError as error:
            error.fix = in_keywords(error.fix)
            raise

    def close(self) -> None:
        """End calls under way and close what was opened; the next use opens it again."""
        if self._opened is not None:
            for part in self._opened.parts():
                part.close()


class _SharedLedger(LocalLedger):
    """The money of all sessions of this process, which may run on several loops."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def reserve(self, session: str, amount: float, cap: float) -> bool:
        """Reserve `amount` unless spent, reserved and `amount` together exceed `cap`."""
        with self._lock:
            return super().reserve(session, amount, cap)

    def settle(self, session: str, reserved: float, actual: float) -> None:
        """Replace a reservation by what was spent."""
        with self._lock:
            super().settle(session, reserved, actual)


@dataclass(slots=True, kw_only=True)
class _Opened:
    session: Session
    n_users: int = 0


@dataclass(slots=True, kw_only=True)
class _Process:
    """What is open in this process."""

    pid: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ledger: _SharedLedger = field(default_factory=_SharedLedger)
    opened: list[_Opened] = field(default_factory=list)


_process = _Process()


def settings_here(*, budget: Dollars | None = None, **given: Any) -> Settings:
    """Return the settings for a request that the user makes: those found here, with what is given.

    Args:
        budget: Dollars that this process may have spent in all, or `"none"`; None as it is found, which is
            1.00 if nothing is set.
        **given: Fields of `Settings`; None as they are found.

    Raises:
        UsageError: A value cannot be read.
    """
    settings = found_settings(**given)
    if budget is None:
        return settings
    if budget == "none":
        return replace(settings, budget_usd=None)
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not budget >= 0:
        raise UsageError(f"budget= must be dollars, 0 or more, got {budget!r}", fix='budget=2.00, or "none"')
    return replace(settings, budget_usd=float(budget))


@contextmanager
def opened(settings: Settings) -> Iterator[Session]:
    """Give a session with these settings: the one that is open, else a new one.

    It stays open after the block, until this process ends or asks for other settings. All sessions of a
    process have one account: each spends up to its own budget, and what others spent counts.

    Raises:
        BodyError: A trial is running. It would get the same draws as every other trial.
    """
    if is_running():
        raise tell(
            BodyError(
                "a test's body asked a model past its trial, where every trial gets the same draws",
                fix="ask the fixture `model`, or velo.model(…)",
            )
        )
    entry = _enter(settings)
    try:
        yield entry.session
    finally:
        with _process.lock:
            entry.n_users -= 1


def load_providers(settings: Settings, models: Sequence[str]) -> None:
    """Import now, on this thread, what the loop needs to ask `models`; `registry.load` explains why.

    Raises:
        UsageError: A model id names no endpoint.
    """
    for name in models:
        registry.load(registry.resolve(name, settings.endpoints).endpoint.api)


def close_all() -> None:
    """Close every session of this process."""
    with _process.lock:
        entries, _process.opened = _process.opened, []
    for entry in entries:
        entry.session.close()


def _enter(settings: Settings) -> _Opened:
    global _process
    if _process.pid != os.getpid():  # forked: the parent's sessions are the parent's
        _process = _Process()
    with _process.lock:
        found = [entry for entry in _process.opened if entry.session.settings == settings]
        entry = found[0] if found else _Opened(session=Session(settings))
        idle = [] if found else [other for other in _process.opened if not other.n_users]
        entry.n_users += 1
        entry.session.loop  # noqa: B018 - made under the lock: two threads may be the first to use it
        _process.opened = [other for other in _process.opened if other not in (*idle, entry)] + [entry]
    for other in idle:
        other.session.close()
    return entry


def in_keywords(fix: str) -> str:
    """Return an error's fix as a notebook or a script spells it."""
    return fix.replace("--velo-budget=none", 'budget="none"').replace("--velo-budget=", "budget=")


atexit.register(close_all)
