"""A client's request on its way: what is keyed and stored of it, and what carries it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_velo.records import Request

if TYPE_CHECKING:
    from pytest_velo.providers.posted import Posting
    from pytest_velo.providers.transport import Answer


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Parcel:
    """A client's HTTP request; never shown or stored, because its headers hold the key.

    Attributes:
        url: Where it goes.
        headers: As the client made them.
        content: The body.
        limit_s: How long one attempt may take, in seconds; None if the client does not say.
        send: Sends it by the client's own transport; None to send it by ours.
    """

    url: str
    headers: Mapping[str, str]
    content: bytes
    limit_s: float | None = None
    send: Callable[[], Awaitable[Answer]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing(Request):
    """A request with what carries it. Only the fields of a `Request` are keyed and stored.

    Attributes:
        parcel: The HTTP request.
        posting: The API it speaks.
        shown: The request in neutral form.
        is_own: The client was made with a key of its own, not with the endpoint's.
    """

    parcel: Parcel = field(repr=False, compare=False)
    posting: Posting = field(repr=False, compare=False)
    shown: Request = field(repr=False, compare=False)
    is_own: bool = field(default=False, compare=False)
