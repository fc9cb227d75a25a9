"""The path to one endpoint: its provider with everything wrapped around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_velo.providers.base import Provider
from pytest_velo.providers.registry import ProviderFactory, open_provider
from pytest_velo.records import Reply, Request
from pytest_velo.sampling.attempt import Gated
from pytest_velo.sampling.budget import Budget, Budgeted
from pytest_velo.sampling.bundles import Bundled
from pytest_velo.sampling.concurrency import Gate, Throttling
from pytest_velo.sampling.elsewhere import asker
from pytest_velo.sampling.pacing import Clock, Pacer
from pytest_velo.sampling.pricing import Priced
from pytest_velo.sampling.readable import Readable
from pytest_velo.sampling.retrying import Retrying, RetryPolicy
from pytest_velo.settings import Api, Endpoint, Settings


class Channel:
    """An opened provider: bundles → budget → prices → retries → gate → readable → the provider itself.

    Args:
        endpoint: Where the calls go.
        settings: Concurrency and the number of workers that share it.
        clock: Where time comes from.
        budget: The session's budget; None without one.
        n_kept: Returns how many draws are stored, for messages.
        policy: How long trouble is tolerated; None for the default.
        factories: Wire families from plugins, by name.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        settings: Settings,
        clock: Clock,
        budget: Budget | None,
        n_kept: Callable[[], int],
        policy: RetryPolicy | None = None,
        factories: Mapping[str, ProviderFactory] | None = None,
    ) -> None:
        slots = max(1, settings.concurrency // settings.workers)
        pacer = None
        if endpoint.rpm is not None or endpoint.tpm is not None:
            pacer = Pacer(rpm=endpoint.rpm, tpm=endpoint.tpm, workers=settings.workers, now=clock.now())
        where = f"endpoint {endpoint.name}"
        self._gate = Gate(slots, pacer=pacer, clock=clock, where=where)
        provider: Provider = _Placed(Opened(endpoint, slots=slots, factories=factories))
        if endpoint.api != Api.SCRIPTED:  # its replies are not stored
            provider = Readable(provider, where)
        self._gated = Gated(provider, self._gate, counts_tokens=endpoint.tpm is not None)
        self._free = endpoint.free
        self._retrying = Retrying(
            self._gated,
            where=where,
            clock=clock,
            n_kept=n_kept,
            loading_s=endpoint.timeout_s,
            policy=policy,
        )
        self._provider: Provider = Priced(self._retrying, endpoint)
        if budget is not None and not endpoint.free:
            self._provider = Budgeted(self._provider, endpoint, budget)
        if endpoint.n > 1:
            from pytest_velo.providers.openai_chat import split_choices  # weight: httpx2, for bundles only

            self._provider = Bundled(self._provider, endpoint.n, split_choices)

    @property
    def n_retries(self) -> int:
        """Attempts after the first, so far."""
        return self._retrying.n_retries

    @property
    def n_lost(self) -> int:
        """Attempts so far that may be billed although they brought no reply; 0 if nothing is billed."""
        return 0 if self._free else self._gated.n_lost

    def throttling(self) -> Throttling:
        """Return what the endpoint's limits cost so far."""
        return self._gate.throttling()

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply to `request`, priced."""
        return await self._provider.complete(request, seed)

    async def aclose(self) -> None:
        """Close the provider."""
        await self._provider.aclose()


class _Placed:
    """A provider that lets those who ask from elsewhere make their own attempts."""

    def __init__(self, here: Provider) -> None:
        self._here = here

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply of one attempt, made here or where it was asked for."""
        who = asker.get()
        return await (self._here.complete if who is None else who.attempt)(request, seed)

    async def aclose(self) -> None:
        """Close the provider of this process."""
        await self._here.aclose()


class Opened:
    """An endpoint's provider, and its relay for the calls of SDKs' clients; each is opened on first use."""

    def __init__(
        self, endpoint: Endpoint, *, slots: int, factories: Mapping[str, ProviderFactory] | None
    ) -> None:
        self._endpoint = endpoint
        self._slots = slots
        self._factories = factories
        self._provider: Provider | None = None
        self._relay: Provider | None = None

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply of one attempt."""
        if request.path:
            if self._relay is None:
                from pytest_velo.providers.relay import Relay  # weight: httpx2, for clients only

                self._relay = Relay(self._endpoint, slots=self._slots)
            return await self._relay.complete(request, seed)
        if self._provider is None:
            self._provider = open_provider(self._endpoint, slots=self._slots, factories=self._factories)
        return await self._provider.complete(request, seed)

    async def aclose(self) -> None:
        """Close what was opened."""
        for provider in (self._provider, self._relay):
            if provider is not None:
                await provider.aclose()
