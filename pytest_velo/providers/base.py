"""The seam to a model: one method. Caching, retrying and budgeting are wrappers around it."""

from __future__ import annotations

from typing import Protocol

from pytest_velo.records import Reply, Request


class Provider(Protocol):
    """Answers one request.

    Implementations make exactly one attempt (no retries of their own), run on the sampling loop, and
    raise `TransientError`, `RequestError` or `AccessError`. A refusal, a content filter, a context
    overflow and a cut reply are replies, not errors. `seed` is sent where the API honours seeds, else
    `"seed"` stands in the reply's `not_honoured`. `cost_usd` is left None: a wrapper prices replies.
    What the API has no place for is a `UsageError` that names it; nothing is dropped.
    """

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply to `request`."""
        ...

    async def aclose(self) -> None:
        """Release connections; the provider is not used afterwards."""
        ...
