"""Anthropic's message batches: requests are posted together, and results are streamed from an address.

Source: https://platform.claude.com/docs/en/api/creating-message-batches
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anthropic
import httpx2

from pytest_velo.batches.entry import id_prefix
from pytest_velo.batches.service import Found, Line, NotSentError, Result, Standing
from pytest_velo.batches.talking import as_ours, is_certain, lines_of
from pytest_velo.errors import OutageError, VeloError
from pytest_velo.providers.anthropic_messages import wire
from pytest_velo.providers.clients import Wire, client_options
from pytest_velo.providers.secrets import Secrets, guard_logs, key_of
from pytest_velo.records import JsonObject
from pytest_velo.settings import Endpoint

_TROUBLE = (anthropic.APIError, anthropic.AnthropicError, httpx2.HTTPError, TimeoutError, OSError)
_SKEW_S = 300.0  # how far the provider's clock may be behind ours
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_UNFINISHED = {
    "expired": "the batch expired before the request was answered",
    "canceled": "the batch was cancelled before the request was answered",
}


class AnthropicService:
    """The batch API of an endpoint that speaks the messages API.

    Args:
        endpoint: Where it is.
        http_client: Carries the SDK's requests instead of the SDK's own client (for tests).
    """

    most_lines = 100_000
    most_bytes = 64 * 10**6  # of 256 MB; the SDK builds the whole request in memory

    def __init__(self, endpoint: Endpoint, *, http_client: httpx2.AsyncClient | None = None) -> None:
        self._endpoint = endpoint
        self._secrets = Secrets(endpoint, key_of(endpoint))
        guard_logs(self._secrets)
        self._address = endpoint.base_url or "https://api.anthropic.com"
        options = client_options(endpoint, "https://api.anthropic.com")
        self._client = anthropic.AsyncAnthropic(http_client=http_client, **options)
        self.wire: Wire = wire()

    def written(self, line: Line) -> bytes:
        """Return a request as it stands in a batch's file."""
        return f'{{"custom_id":"{line.custom_id}","params":'.encode() + line.text + b"}\n"

    async def submit(self, name: str, file: Path, headers: Mapping[str, str]) -> Standing:
        """Post all requests of the file."""
        del name  # it stands in each id; the API has no metadata
        with file.open("rb") as lines:
            requests = [json.loads(line) for line in lines]
        try:
            made = await self._client.messages.batches.create(requests=requests, extra_headers=headers)
        except _TROUBLE as error:
            ours = self._ours(error, "the submission of a batch")
            raise (NotSentError(ours) if is_certain(error) else ours) from None
        return _standing(made)

    async def find(self, name: str, *, n: int, since: float, known: frozenset[str]) -> Found:
        """Look for a batch of as many requests, made since then, that is not known to be another one.

        Which one it is stands in the ids of its results, so it is certain once it has ended.
        """
        candidates = []
        try:
            async for batch in self._client.messages.batches.list(limit=100):
                if batch.created_at.timestamp() < since - _SKEW_S:
                    break
                standing = _standing(batch)
                if standing.remote in known or _total(batch) != n:
                    continue
                verdict = await self._is_ours(name, standing) if standing.is_ended else None
                if verdict:
                    return Found(standing=standing)
                if verdict is None:
                    candidates.append(standing)
        except _TROUBLE as error:
            raise self._ours(error, "the list of batches") from None
        return Found(candidates=candidates)

    async def _is_ours(self, name: str, standing: Standing) -> bool | None:
        """Read the first result's id; None if it cannot be read."""
        if not standing.outputs:
            return None
        try:
            async with aclosing(self.results(standing)) as lines:
                async for line in lines:
                    return self.read(json.loads(line)).custom_id.startswith(id_prefix(name))
        except (VeloError, LookupError, TypeError, ValueError):
            return None
        return None

    async def look_up(self, remote: str) -> Standing:
        """Return how far a batch is."""
        try:
            return _standing(await self._client.messages.batches.retrieve(remote))
        except _TROUBLE as error:
            raise self._ours(error, f"the state of {remote}") from None

    async def results(self, standing: Standing) -> AsyncGenerator[bytes]:
        """Give the lines of the results, in no particular order."""
        for address in standing.outputs:
            self._check_address(address)
            try:
                streamed = self._client.messages.batches.with_streaming_response.results(standing.remote)
                async with streamed as response:
                    async for line in lines_of(response.iter_bytes()):
                        yield line
            except _TROUBLE as error:
                raise self._ours(error, f"the results of {standing.remote}") from None

    def _check_address(self, address: str) -> None:
        """Refuse to send the key to another server than the endpoint's."""
        theirs, ours = urlsplit(address), urlsplit(self._address)
        if theirs.netloc and (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
            raise OutageError(
                f"the results are said to be at another server ({theirs.netloc}), which must not get the key",
                where=f"endpoint {self._endpoint.name}",
                fix="is base_url= the provider's own address?",
            )

    def read(self, line: JsonObject) -> Result:
        """Return what a line says."""
        custom_id, result = line["custom_id"], line["result"]
        if not isinstance(custom_id, str):
            raise TypeError("custom_id is no text")
        kind = result["type"]
        if kind == "succeeded":
            body = self._secrets.strike(result["message"], is_reply=True)
            return Result(custom_id=custom_id, status=200, body=body)
        if kind in _UNFINISHED:
            return Result(custom_id=custom_id, problem=_UNFINISHED[kind])
        if kind != "errored":
            raise ValueError(f"a result of the type {kind!r} is not known")
        body = self._secrets.strike(result["error"], is_reply=False)
        inner = body.get("error", body)
        return Result(custom_id=custom_id, status=_STATUS.get(str(inner.get("type")), 500), body=body)

    async def cancel(self, remote: str) -> Standing:
        """Ask for a batch to be cancelled."""
        try:
            return _standing(await self._client.messages.batches.cancel(remote))
        except _TROUBLE as error:
            raise self._ours(error, f"the cancellation of {remote}") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _ours(self, error: Exception, doing: str) -> Exception:
        return as_ours(error, self._endpoint, self._secrets, doing, self._client.base_url)


def _standing(batch: Any) -> Standing:
    """Return what a batch of the SDK's says."""
    counts, word = batch.request_counts, str(batch.processing_status)
    return Standing(
        remote=str(batch.id),
        word=word,
        is_ended=word == "ended",
        n_done=counts.succeeded,
        n_failed=counts.errored + counts.canceled + counts.expired,
        outputs=(batch.results_url,) if batch.results_url else (),
    )


def _total(batch: Any) -> int:
    counts = batch.request_counts
    return int(counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired)
