"""What a provider's batch API is asked, and what it says: one protocol for all of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pytest_velo.errors import UsageError
from pytest_velo.providers.clients import Wire
from pytest_velo.records import JsonObject
from pytest_velo.settings import Api, Endpoint

MOST_LINE_BYTES = 64 * 2**20
"""Of one result: the largest body that a live call reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One request of a batch as it is sent: its id, its body, and the body's JSON as a live call sends it."""

    custom_id: str
    body: JsonObject
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a provider says of a batch.

    Attributes:
        remote: Its name for it.
        word: Its word for the state.
        is_ended: Nothing more comes.
        n_done, n_failed: Requests that were answered, and that were not; None if it does not tell.
        outputs: Where the results are: names of files, or an address.
        problem: Why it failed as a whole; empty if it did not.
    """

    remote: str
    word: str
    is_ended: bool
    n_done: int | None = None
    n_failed: int | None = None
    outputs: tuple[str, ...] = ()
    problem: str = ""

    @property
    def n_ended(self) -> int | None:
        """How many results there are; None if it does not tell."""
        if self.n_done is None or self.n_failed is None:
            return None
        return self.n_done + self.n_failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a provider has of a batch whose name there is not known.

    Attributes:
        standing: The batch, if it is certain which one it is.
        candidates: Those that it may be.
    """

    standing: Standing | None = None
    candidates: Sequence[Standing] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of a batch's results.

    Attributes:
        custom_id: The id of the request that it answers.
        status: The HTTP status that a live call would have had; None if there was no answer at all.
        body: The body of the answer.
        problem: Why there was no answer.
    """

    custom_id: str
    status: int | None = None
    body: Any = field(default=None, repr=False)
    problem: str = ""


class Service(Protocol):
    """A provider's batch API at one endpoint."""

    @property
    def wire(self) -> Wire:
        """How the calls of its batches are spoken."""
        ...

    @property
    def most_lines(self) -> int:
        """How many requests one batch may have."""
        ...

    @property
    def most_bytes(self) -> int:
        """How large one batch may be."""
        ...

    def written(self, line: Line) -> bytes:
        """Return a request as it stands in a batch's file."""
        ...

    async def submit(self, name: str, file: Path, headers: Mapping[str, str]) -> Standing:
        """Send a batch.

        Raises:
            NotSentError: It certainly does not exist.
            VeloError: It may exist.
        """
        ...

    async def find(self, name: str, *, n: int, since: float, known: frozenset[str]) -> Found:
        """Look for a batch that may have been sent.

        Args:
            name: Our name of it.
            n: How many requests it has.
            since: When sending began, in seconds since 1970.
            known: Names of other batches of ours.
        """
        ...

    async def look_up(self, remote: str) -> Standing:
        """Return how far a batch is."""
        ...

    def results(self, standing: Standing) -> AsyncGenerator[bytes]:
        """Give the lines of its results.

        Raises:
            TransientError: They cannot be read now; or not any more.
            ValueError: A line is longer than any result is.
        """
        ...

    def read(self, line: JsonObject) -> Result:
        """Return what a line says; raises KeyError, TypeError or ValueError if it is none."""
        ...

    async def cancel(self, remote: str) -> Standing:
        """Ask for a batch to be cancelled."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class NotSentError(Exception):
    """A batch was not sent: `cause` says why."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def why_unbatched(endpoint: Endpoint) -> UsageError | None:
    """Return the error for an endpoint that is not known to have a batch API; None if it has one."""
    spoken = endpoint.api in (Api.OPENAI_CHAT, Api.OPENAI_RESPONSES, Api.ANTHROPIC)
    if spoken and (endpoint.base_url is None or endpoint.batch is not None):
        return None
    what = (
        f"the endpoint {endpoint.name} ({endpoint.base_url or endpoint.api}) is not known to have a batch API"
    )
    live = "leave --velo-batch out (and `velo batch`): its draws are made live"
    if not spoken:
        what = f"the API {endpoint.api!r} of the endpoint {endpoint.name} has no batch API that is known here"
        return UsageError(what, where=f"endpoint {endpoint.name}", fix=live)
    fix = f"if it has one, declare batch=0.5 on it: the share of its price that a batch costs; else {live}"
    return UsageError(what, where=f"endpoint {endpoint.name}", fix=fix)
