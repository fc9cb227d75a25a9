"""What a session samples with, whether pytest runs it or not; it imports nothing heavy by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_velo.cache.attempt_ledger import AttemptLedger
    from pytest_velo.cache.store import Store
    from pytest_velo.providers.registry import ProviderFactory
    from pytest_velo.records import Address
    from pytest_velo.sampling.budget import Ledger
    from pytest_velo.sampling.draws import Recorded
    from pytest_velo.sampling.loop import SampleLoop
    from pytest_velo.sampling.resources import Resources
    from pytest_velo.sampling.sampler import Sampler
    from pytest_velo.settings import Settings


def cassettes_in(folder: Path) -> list[Path]:
    """Return the cassettes in a folder; hidden ones are being written, or their writer was killed."""
    return sorted(path for path in folder.glob("*.jsonl*") if not path.name.startswith("."))


class SamplingSession(ABC):
    """Opens loop, store and sampler on first use, by its settings."""

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """They do not change while it is open."""

    @property
    @abstractmethod
    def provider_factories(self) -> Mapping[str, ProviderFactory]:
        """The wire families of installed plugins, by name."""

    @abstractmethod
    def _cassettes_here(self) -> Iterable[Path]:
        """Return the cassettes that are replayed where the settings name none."""

    @property
    def _name(self) -> str:
        """Its name in the store's accounts; not asked for where nothing is paid for."""
        return ""

    @property
    def _ledger(self) -> Ledger | None:
        """Its account; None for that of the store."""
        return None

    def _before_paid(self, address: Address) -> None:  # noqa: B027 - most sessions have nothing to note
        """Note a draw that is about to be paid for."""

    @cached_property
    def _resources(self) -> Resources:
        from pytest_velo.sampling.resources import Resources  # weight: what samples, once something is

        return Resources(
            self.settings,
            name=lambda: self._name,
            cassettes=self._cassettes,
            providers=lambda: self.provider_factories,
            ledger=self._ledger,
            before_paid=self._before_paid,
        )

    @property
    def _opened(self) -> Resources | None:
        """What was opened to sample; None if nothing was."""
        resources: Resources | None = self.__dict__.get("_resources")
        return resources

    @property
    def loop(self) -> SampleLoop:
        """The sampling loop; its thread starts with the first work."""
        return self._resources.loop

    @property
    def store(self) -> Store:
        """The draws on disk."""
        return self._resources.store

    @property
    def stored(self) -> Store | None:
        """The draws on disk; None, without creating the file, if there are none."""
        return self._resources.stored

    @property
    def attempts(self) -> AttemptLedger:
        """The attempts at beliefs; in replay, with those that were committed beside the cassettes."""
        ledger = self.store.attempts
        if self.settings.replays:
            for path in self.settings.cassettes or self._cassettes_here():
                ledger.take_in_beside(path)
        return ledger

    @property
    def sampler(self) -> Sampler:
        """The sampler that makes every model call."""
        return self._resources.sampler

    @property
    def opened_sampler(self) -> Sampler | None:
        """The sampler, if it was opened."""
        return None if self._opened is None else self._opened.opened_sampler

    def _cassettes(self) -> Sequence[Recorded]:
        """Load the cassettes for replay: those that were named, else those that are here."""
        if not self.settings.replays:
            return ()
        from pytest_velo.cache.cassette import load  # weight: asyncio and apsw, for replay only

        return [load(path) for path in self.settings.cassettes or self._cassettes_here()]
