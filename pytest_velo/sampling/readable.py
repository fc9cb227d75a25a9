"""Only replies that can be read back from the store are replies; any other is a server's garbage."""

from __future__ import annotations

import msgspec

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.errors import StoreError, TransientError
from pytest_velo.providers.base import Provider
from pytest_velo.records import Reply, Request


class Readable:
    """A provider whose replies have been read back once, before anything is stored.

    A field of a wrong type (a name that is a number, a token that is null) is written without complaint, and
    would make its draw unreadable for ever.

    Args:
        inner: Makes the attempt.
        where: The endpoint, for messages.
    """

    def __init__(self, inner: Provider, where: str) -> None:
        self._inner = inner
        self._where = where

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply of one attempt.

        Raises:
            TransientError: It could not be read back.
        """
        reply = await self._inner.complete(request, seed)
        check_readable(reply, f"{self._where}, model {request.model}")
        return reply

    async def aclose(self) -> None:
        """Close the provider."""
        await self._inner.aclose()


def check_readable(reply: Reply, where: str) -> None:
    """Read a reply back as from the store.

    Raises:
        TransientError: It cannot be read; `where` names the model that gave it.
    """
    try:
        if not isinstance(reply.raw, dict):  # read back on its first use only
            raise ValueError(f"raw is {type(reply.raw).__name__}")
        decode_reply(encode_reply(reply)[0])
    except (StoreError, msgspec.DecodeError, ValueError, OverflowError) as error:
        raise TransientError(
            f"the reply could not be read back from the store: {error}", kind="garbage", where=where
        ) from None
