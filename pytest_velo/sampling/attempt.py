"""One attempt of one call: it waits at the endpoint's gate, and reports the result to the gate."""

from __future__ import annotations

import asyncio

from pytest_velo.errors import LostCallError, TransientError
from pytest_velo.providers.base import Provider
from pytest_velo.records import Reply, Request
from pytest_velo.sampling.concurrency import Gate
from pytest_velo.sampling.flights import current_flight
from pytest_velo.sampling.pricing import n_draws, output_limit, prompt_bytes

_BYTES_PER_TOKEN = 4
_USUAL_OUTPUT_TOKENS = 256


class Gated:
    """A provider behind a gate. It sits below the retries: a call that backs off holds no place.

    Args:
        inner: Makes the attempt.
        gate: The endpoint's gate.
        counts_tokens: The gate paces tokens, so each call is estimated first and corrected afterwards.

    Attributes:
        n_lost: Attempts that were sent and brought no reply, although the provider may have made one and may
            bill it: time-outs, bodies that cannot be read, replies broken off, calls cancelled under way, or
            lost with the process that made them.
    """

    def __init__(self, inner: Provider, gate: Gate, *, counts_tokens: bool = False) -> None:
        self._inner = inner
        self._gate = gate
        self._counts_tokens = counts_tokens
        self.n_lost = 0

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply of one attempt."""
        estimate = _estimate_tokens(request) if self._counts_tokens else 0
        ticket = await self._gate.enter(estimate)
        flight = current_flight.get()
        if flight is not None:
            flight.departed()
        try:
            reply = await self._inner.complete(request, seed)
        except BaseException as error:
            if isinstance(error, TransientError) and error.kind in ("rate_limit", "overloaded"):
                self._gate.congested(ticket, error.retry_after_s)
            if _may_be_billed(error):
                self.n_lost += 1
            if flight is not None:
                flight.failed()
            raise
        else:
            sent, made = reply.usage.input_tokens, reply.usage.output_tokens
            known = self._counts_tokens and sent is not None and made is not None
            self._gate.succeeded((sent or 0) + (made or 0) - estimate if known else 0)
            return reply
        finally:
            self._gate.leave()

    async def aclose(self) -> None:
        """Close the provider."""
        await self._inner.aclose()


def _may_be_billed(error: BaseException) -> bool:
    """Tell whether an attempt that ended this way may have been answered without our seeing it."""
    if isinstance(error, TransientError):
        return error.kind in ("timeout", "garbage") or error.status == 200  # half a reply in a 200
    if isinstance(error, LostCallError):
        return error.was_sent
    return isinstance(error, asyncio.CancelledError)


def _estimate_tokens(request: Request) -> int:
    limit = output_limit(request)
    output = n_draws(request) * (_USUAL_OUTPUT_TOKENS if limit is None else limit)
    return prompt_bytes(request) // _BYTES_PER_TOKEN + output
