"""OpenAI's batch API: a file of requests is uploaded, and files of results are fetched.

Source: https://platform.openai.com/docs/api-reference/batch
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, Literal

import httpx2
import openai

from pytest_velo.batches.service import Found, Line, NotSentError, Result, Standing
from pytest_velo.batches.talking import as_ours, is_certain, lines_of
from pytest_velo.providers.clients import Wire, client_options
from pytest_velo.providers.openai_chat import wire_of
from pytest_velo.providers.openai_responses import wire as responses_wire
from pytest_velo.providers.secrets import Secrets, guard_logs, key_of
from pytest_velo.records import JsonObject
from pytest_velo.settings import Api, Endpoint

NAME = "velo"
"""Of the metadata: what a batch is found again by."""

_ENDED = ("completed", "failed", "expired", "cancelled")
_TROUBLE = (openai.APIError, httpx2.HTTPError, TimeoutError, OSError)
_SKEW_S = 3600.0  # clocks differ; batches that are older than this before sending began cannot be ours
_UNFINISHED = ("batch_expired", "batch_cancelled")


class OpenAiService:
    """The batch API of an endpoint that speaks chat completions or responses.

    Args:
        endpoint: Where it is.
        http_client: Carries the SDK's requests instead of the SDK's own client (for tests).
    """

    most_lines = 50_000
    most_bytes = 190 * 10**6  # of 200 MB

    def __init__(self, endpoint: Endpoint, *, http_client: httpx2.AsyncClient | None = None) -> None:
        self._endpoint = endpoint
        self._secrets = Secrets(endpoint, key_of(endpoint))
        guard_logs(self._secrets)
        options = client_options(endpoint, "https://api.openai.com/v1")
        self._client = openai.AsyncOpenAI(http_client=http_client, **options)
        self._is_chat = endpoint.api == Api.OPENAI_CHAT
        self.wire: Wire = wire_of(endpoint) if self._is_chat else responses_wire()

    @property
    def _path(self) -> Literal["/v1/chat/completions", "/v1/responses"]:
        return "/v1/chat/completions" if self._is_chat else "/v1/responses"

    def written(self, line: Line) -> bytes:
        """Return a request as it stands in a batch's file; its body is a live call's, byte for byte."""
        head = f'{{"custom_id":"{line.custom_id}","method":"POST","url":"{self._path}","body":'
        return head.encode() + line.text + b"}\n"

    async def submit(self, name: str, file: Path, headers: Mapping[str, str]) -> Standing:
        """Upload the file, and make a batch of it that carries our name."""
        try:
            with file.open("rb") as content:
                uploaded = await self._client.files.create(
                    file=content, purpose="batch", extra_headers=headers
                )
        except _TROUBLE as error:  # a file is no batch
            raise NotSentError(self._ours(error, "the upload of a batch's file")) from None
        try:
            made = await self._client.batches.create(
                completion_window="24h",
                endpoint=self._path,
                input_file_id=uploaded.id,
                metadata={NAME: name},
                extra_headers=headers,
            )
        except _TROUBLE as error:
            ours = self._ours(error, "the submission of a batch")
            raise (NotSentError(ours) if is_certain(error) else ours) from None
        return _standing(made)

    async def find(self, name: str, *, n: int, since: float, known: frozenset[str]) -> Found:
        """Look for the batch that carries our name; the listing is from the newest to the oldest."""
        del n, known
        try:
            async for batch in self._client.batches.list(limit=100):
                if isinstance(batch.metadata, dict) and batch.metadata.get(NAME) == name:
                    return Found(standing=_standing(batch))
                if batch.created_at < since - _SKEW_S:
                    break
        except _TROUBLE as error:
            raise self._ours(error, "the list of batches") from None
        return Found()

    async def look_up(self, remote: str) -> Standing:
        """Return how far a batch is."""
        try:
            return _standing(await self._client.batches.retrieve(remote))
        except _TROUBLE as error:
            raise self._ours(error, f"the state of {remote}") from None

    async def results(self, standing: Standing) -> AsyncGenerator[bytes]:
        """Give the lines of the file of replies, then those of the file of errors."""
        for file_id in standing.outputs:
            try:
                content = self._client.files.with_streaming_response.content(file_id)
                async with content as response:
                    async for line in lines_of(response.iter_bytes()):
                        yield line
            except _TROUBLE as error:
                raise self._ours(error, f"the results of {standing.remote}") from None

    def read(self, line: JsonObject) -> Result:
        """Return what a line says."""
        custom_id, answer, error = _text(line["custom_id"]), line.get("response"), line.get("error")
        if isinstance(answer, Mapping):
            status = answer["status_code"]
            if isinstance(status, bool) or not isinstance(status, int):
                raise TypeError("status_code is no number")
            body = self._secrets.strike(answer["body"], is_reply=status < 400)
            return Result(custom_id=custom_id, status=status, body=body)
        if not isinstance(error, Mapping):
            raise ValueError("it has neither a response nor an error")
        code = str(error.get("code") or "")
        said = self._secrets.strike_text(str(error.get("message") or code or "no reason was given"))
        if code in _UNFINISHED:
            return Result(custom_id=custom_id, problem=f"{code.replace('_', ' ')}: {said}")
        return Result(custom_id=custom_id, problem=said)

    async def cancel(self, remote: str) -> Standing:
        """Ask for a batch to be cancelled."""
        try:
            return _standing(await self._client.batches.cancel(remote))
        except _TROUBLE as error:
            raise self._ours(error, f"the cancellation of {remote}") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _ours(self, error: Exception, doing: str) -> Exception:
        return as_ours(error, self._endpoint, self._secrets, doing, self._client.base_url)


def _standing(batch: Any) -> Standing:
    """Return what a batch of the SDK's says; servers that speak this API may leave anything out."""
    counts = getattr(batch, "request_counts", None)
    errors = getattr(getattr(batch, "errors", None), "data", None) or ()
    said = [
        f"{error.message or error.code}" + (f" (line {error.line})" if error.line else "") for error in errors
    ]
    files = (getattr(batch, "output_file_id", None), getattr(batch, "error_file_id", None))
    status = str(batch.status)
    return Standing(
        remote=str(batch.id),
        word=status,
        is_ended=status in _ENDED,
        n_done=None if counts is None else counts.completed,
        n_failed=None if counts is None else counts.failed,
        outputs=tuple(file for file in files if file),
        problem="; ".join(said[:3]) or ("no reason was given" if status == "failed" else ""),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("custom_id is no text")
    return value
