"""The desk where batches are handed in and fetched: book, draws, the providers' services, clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pytest_velo.batches.book import BOOK_FILE, Book
from pytest_velo.batches.entry import Batch
from pytest_velo.batches.opening import open_service
from pytest_velo.batches.service import Service
from pytest_velo.cache.leases import Leases
from pytest_velo.cache.store import Store
from pytest_velo.errors import UsageError, nearest
from pytest_velo.providers.registry import Target, check_access, located
from pytest_velo.sampling.pacing import Clock, SystemClock
from pytest_velo.settings import Endpoint, Settings

FILES = "batches"
"""The folder, in that of the cache, of what was sent."""


class Desk:
    """What all that concerns batches works with. It belongs to one event loop.

    Args:
        settings: Endpoints, cache folder, and how often to look.
        store: Where draws go.
        book: Where batches are written down; by default that of the cache folder.
        clock: Where waits come from.
        now: Returns seconds since 1970.
        opened: Opens an endpoint's service.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        book: Book | None = None,
        *,
        clock: Clock | None = None,
        now: Callable[[], float] = time.time,
        opened: Callable[[Endpoint], Service] = open_service,
    ) -> None:
        self.settings = settings
        self.store = store
        self.book = Book.open(settings.cache_dir) if book is None else book
        self.clock: Clock = clock or SystemClock()
        self.now = now
        self.leases = Leases(settings.cache_dir / f"{BOOK_FILE}-leases")
        self._opened = opened
        self._services: dict[str, Service] = {}

    def service_of(self, endpoint: Endpoint) -> Service:
        """Return an endpoint's service.

        Raises:
            UsageError: It is not known to have one.
        """
        if endpoint.name not in self._services:
            self._services[endpoint.name] = self._opened(endpoint)
        return self._services[endpoint.name]

    def endpoint_of(self, batch: Batch) -> Endpoint:
        """Return where a batch went, as it is declared today.

        Raises:
            UsageError: It is not declared any more, or its key is not set.
        """
        known = {endpoint.name: endpoint for endpoint in self.settings.endpoints}
        if batch.endpoint not in known:
            raise UsageError(
                f"the batch {batch.title} went to the endpoint {batch.endpoint}, which is not declared here",
                where="velo_endpoints",
                fix=f"declare it again ({nearest(batch.endpoint, known)})",
            )
        endpoint = located(known[batch.endpoint])
        check_access(Target(endpoint=endpoint, model=batch.model))
        return endpoint

    def file_of(self, name: str) -> Path:
        """Return the file of what a batch sends."""
        return self.settings.cache_dir / FILES / f"{name}.jsonl"

    def drop_file_of(self, name: str) -> None:
        """Remove the file of what a batch sent: nothing reads it any more."""
        with suppress(OSError):
            self.file_of(name).unlink(missing_ok=True)

    def lease(self, name: str) -> _Released | None:
        """Return the right to send a batch, or to say that nobody does; None while another process has it."""
        lease = self.leases.take(bytes.fromhex(name))
        return None if lease is None else _Released(lease.release)

    async def aclose(self) -> None:
        """Close the services and the book; the store is its owner's."""
        for service in self._services.values():
            await service.aclose()
        self._services.clear()
        self.leases.close()
        self.book.close()


class _Released:
    """Lets go of a lease at the end of a block."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._release()
