"""Replies and requests as stored JSON, and back. Plain JSON decoded into typed records: no code runs."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import Enum
from functools import cache
from math import inf, isinf
from typing import TYPE_CHECKING, Any, cast

import msgspec

from pytest_velo.cache.stored_reply import reader
from pytest_velo.errors import StoreError
from pytest_velo.records import Reply, Request, TokenLogprob

if TYPE_CHECKING:
    import msgspec

LOWEST_LOGPROB = -1e9
"""Stands for a log probability of -inf, which JSON does not have; its exponential is 0 too."""

_PLAIN_REPLY = Reply(text="")
_DEFAULTS = tuple((field.name, getattr(_PLAIN_REPLY, field.name)) for field in fields(Reply))


def encode_reply(reply: Reply, *, for_cassette: bool = False) -> tuple[bytes, Reply]:
    r"""Return a reply's JSON, and the reply as it will be read back.

    The second differs from the first only if text cannot be stored: half a surrogate pair (a cut emoji)
    becomes U+FFFD, so that a replay sees what the first run saw.

    Args:
        reply: The reply; only its fields are written, except those with default values.
        for_cassette: Leave out the provider's whole reply and the mark that it was read.

    Raises:
        StoreError: A part of it is not a JSON value.
    """
    try:
        return _encode(reply, for_cassette), reply
    except UnicodeEncodeError:
        reply = cast(Reply, _mended(reply))
        return _encode(reply, for_cassette), reply
    except (TypeError, RecursionError) as error:
        raise StoreError(f"the reply cannot be stored: {error}") from None


def decode_reply(body: bytes) -> Reply:
    """Return the stored reply, marked as read from the store; its `raw` is decoded on first use.

    Raises:
        msgspec.DecodeError: The bytes are not a reply.
    """
    return reader()(body)


def decode_request(body: bytes) -> Request:
    """Return the stored request, from the bytes of `keys.request_body`.

    Raises:
        msgspec.DecodeError: The bytes are not a request.
    """
    try:
        return _request_decoder().decode(body)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(str(error)) from None


def _encode(reply: Reply, for_cassette: bool) -> bytes:
    stored: dict[str, Any] = {"text": reply.text}
    for name, default in _DEFAULTS:
        value = getattr(reply, name)
        if value is not default and value != default and name != "cached":
            stored[name] = value
    if for_cassette:
        stored.pop("raw", None)
    else:
        stored["cached"] = True  # always true of a reply that is read back
    if reply.logprobs:
        stored["logprobs"] = [_finite(token) for token in reply.logprobs]
    return _encoder().encode(stored)


def _finite(token: TokenLogprob) -> TokenLogprob:
    if not isinf(token.logprob) and inf not in map(abs, token.top.values()):
        return token
    top = {text: max(logprob, LOWEST_LOGPROB) for text, logprob in token.top.items()}
    return replace(token, logprob=max(token.logprob, LOWEST_LOGPROB), top=top)


def _mended(value: Any) -> Any:
    """Replace halves of surrogate pairs in every text inside `value`."""
    if isinstance(value, str):
        if isinstance(value, Enum):
            return value  # the member, not its text
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_mended(name): _mended(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mended(part) for part in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{field.name: _mended(getattr(value, field.name)) for field in fields(value)})
    return value


@cache
def _encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder()


@cache
def _request_decoder() -> msgspec.json.Decoder[Request]:
    return msgspec.json.Decoder(Request)
