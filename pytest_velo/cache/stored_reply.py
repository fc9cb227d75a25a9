"""A reply as it is read back: the provider's whole answer is decoded on first use.

Few bodies read `raw`, and building its dicts and lists is half the time and most of the memory of reading a
reply; the garbage collector also traverses them again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from pytest_velo.errors import StoreError
from pytest_velo.records import JsonObject, Reply

if TYPE_CHECKING:
    import msgspec

_WHOLE = "raw"


class StoredReply(Reply):
    """A reply that keeps the bytes it was read from until its `raw` is used."""

    __slots__ = ("_whole",)

    _whole: bytes | JsonObject

    @property
    def raw(self) -> JsonObject:
        """The provider's whole reply; empty where it was not kept.

        Raises:
            StoreError: The bytes hold no object there.
        """
        whole = self._whole
        if isinstance(whole, bytes):
            whole = _raw_of(whole)
            object.__setattr__(self, "_whole", whole)
        return whole

    @raw.setter
    def raw(self, value: JsonObject) -> None:
        """Set it, as `dataclasses.replace` and `copy` do."""
        object.__setattr__(self, "_whole", value)


class _Read(StoredReply):
    """What the decoder fills: a reply without the deferred field."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]] = {
        name: field for name, field in Reply.__dataclass_fields__.items() if name != _WHOLE
    }


def _raw_of(body: bytes) -> JsonObject:
    """Return the provider's whole reply from a stored reply's JSON."""
    try:
        raw: JsonObject = _whole_decoder().decode(body).raw
        return raw
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise StoreError(
            f"the provider's whole reply cannot be read: {error}",
            fix="something else changed the file: run with --velo-mode=refresh, or delete it",
        ) from None


@cache
def _whole_decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(msgspec.defstruct("Whole", [(_WHOLE, dict[str, Any], {})]))


@cache
def reader() -> Callable[[bytes], Reply]:
    """Return a decoder of stored replies; it raises `msgspec.DecodeError` for bytes that are not one."""
    decode = msgspec.json.Decoder(_Read).decode
    keep, become = StoredReply.__dict__["_whole"].__set__, object.__setattr__

    def read(body: bytes) -> Reply:
        try:
            reply = decode(body)
        except (RecursionError, UnicodeDecodeError) as error:
            raise msgspec.DecodeError(str(error)) from None
        keep(reply, body)
        become(reply, "__class__", StoredReply)  # all of its fields are there again
        return reply

    return read
