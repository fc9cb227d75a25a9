"""What a run keeps of its trials: everything that reports and records need, in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pytest_velo.records import Address, Call, FinishReason, JsonObject, Request

_MOST_SHARED = 1_000
_NO_RAW: JsonObject = {}


class Keeper:
    """Makes the transcripts of one hypothesis smaller.

    Trials that send the same request share it, and trials with equal outcomes share those. The provider's
    whole reply is for the body alone: no record has it, and the store does.
    """

    def __init__(self) -> None:
        self._requests: dict[str, tuple[str, Request]] = {}
        self._values: dict[tuple[tuple[str, float], ...], Mapping[str, float]] = {}

    def calls(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """Return calls as they are kept."""
        return tuple(map(self._call, calls))

    def values(self, values: Mapping[str, float]) -> Mapping[str, float]:
        """Return outcomes as they are kept."""
        if len(self._values) >= _MOST_SHARED:
            return values
        return self._values.setdefault(tuple(values.items()), values)

    def _call(self, call: Call) -> Call:
        at, request = call.address, call.request
        known = self._requests.get(at.key)
        if known is not None:
            key, request = known
            at = Address(key=key, seed=at.seed, stream=at.stream, slot=at.slot)
        elif len(self._requests) < _MOST_SHARED:
            self._requests[at.key] = at.key, request
        is_known = call.reply.finish_reason is not FinishReason.OTHER  # a notice quotes the server's word
        reply = replace(call.reply, raw=_NO_RAW if is_known else call.reply.raw, original=None)
        return replace(call, request=request, reply=reply, address=at)
