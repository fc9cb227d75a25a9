"""What one process samples with: the loop in its thread, the store and the sampler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from pytest_velo.cache import shared
from pytest_velo.cache.store import Store
from pytest_velo.errors import StoreError
from pytest_velo.parallel import here
from pytest_velo.providers.registry import ProviderFactory
from pytest_velo.records import Address
from pytest_velo.sampling.budget import Ledger
from pytest_velo.sampling.draws import Recorded
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Settings

STORE_FILE = "draws.sqlite"


class Part(Protocol):
    """A part that was opened."""

    def close(self) -> None:
        """Close it."""
        ...


class Resources:
    """Loop, store and sampler, each opened on first use; opened again on use after they were closed.

    Args:
        settings: As in `Sampler`.
        name: Returns the session's name in the store's accounts; not asked for where nothing is paid for.
        cassettes: Returns the recorded draws, for replay.
        providers: Returns the wire families of plugins, by name.
        ledger: As in `Sampler`.
        before_paid: As in `Sampler`.

    Attributes:
        notes: What a shared store has to say at the end.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        name: Callable[[], str] = lambda: "",
        cassettes: Callable[[], Sequence[Recorded]] = lambda: (),
        providers: Callable[[], Mapping[str, ProviderFactory]] = dict,
        ledger: Ledger | None = None,
        before_paid: Callable[[Address], None] | None = None,
    ) -> None:
        here.refuse("a model call")
        self._settings = settings
        self._name = name
        self._cassettes = cassettes
        self._providers = providers
        self._ledger = ledger
        self._before_paid = before_paid
        self._closing: SampleLoop | None = None
        self._unusable: StoreError | None = None
        self.notes: list[str] = []

    @cached_property
    def loop(self) -> SampleLoop:
        """The sampling loop; its thread starts with the first work."""
        return SampleLoop(jobs=self._settings.jobs, workers=self._settings.workers)

    @cached_property
    def store(self) -> Store:
        """The draws on disk, and those that are shared.

        Raises:
            StoreError: They cannot be opened. A shared store that cannot is not tried again for each test.
        """
        path = self._settings.cache_dir / STORE_FILE
        if self._settings.store is None:
            return Store.open(path)
        if self._unusable is not None:
            raise self._unusable
        try:
            return shared.SharedStore(path, self._settings.store, self.notes)
        except StoreError as error:
            self._unusable = error
            raise

    @property
    def stored(self) -> Store | None:
        """The draws on disk; None, without creating the file, if there are none."""
        is_there = self._settings.store is not None or (self._settings.cache_dir / STORE_FILE).is_file()
        return self.store if is_there else None

    @cached_property
    def sampler(self) -> Sampler:
        """The sampler that makes every model call."""
        estimates = self._settings.estimates
        sampler = Sampler(
            self._settings,
            store=self.stored if estimates else self.store,
            cassettes=self._cassettes(),
            session="" if estimates else self._name(),
            providers=self._providers(),
            ledger=self._ledger,
            before_paid=self._before_paid,
        )
        loop = self.loop
        loop.on_close(lambda: sampler.aclose(loop.calls_s))
        return sampler

    @property
    def opened_sampler(self) -> Sampler | None:
        """The sampler, if it was opened."""
        sampler: Sampler | None = self.__dict__.get("sampler")
        return sampler

    @property
    def is_hurried(self) -> bool:
        """Ctrl-C came: see `SampleLoop.is_hurried`."""
        loop: SampleLoop | None = self.__dict__.get("loop", self._closing)
        return loop is not None and loop.is_hurried

    def hurry(self) -> None:
        """Shorten all waits: Ctrl-C came, perhaps while the loop closes."""
        loop: SampleLoop | None = self.__dict__.get("loop", self._closing)
        if loop is not None:
            loop.hurry()

    def parts(self) -> Iterator[Part]:
        """Give up what was opened, in the order in which it must be closed: calls end before their store."""
        self.__dict__.pop("sampler", None)
        self._closing = self.__dict__.get("loop")
        for name in ("loop", "store"):
            part: Part | None = self.__dict__.pop(name, None)
            if part is not None:
                yield part
