"""What controller and workers send each other, as plain JSON, and back. Nothing of the user's is pickled.

Texts are ASCII with escapes, so that half a surrogate pair, which models do write, survives the way; numbers
may be infinite. Replies have the form in which the store keeps them.
"""

from __future__ import annotations

import builtins
import json
import traceback
from collections.abc import Mapping
from typing import Any

from pytest_velo import errors
from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.case_sets import Planned, target_of
from pytest_velo.errors import VeloError
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, Stubbed, TrialRecord
from pytest_velo.runner.trials import Finished

_MOST_TRACE = 20_000  # characters of a traceback, from its end
_MOST_CAUSES = 3

Plain = dict[str, Any]


def dumps(value: Any) -> str:
    """Return the JSON of plain values; what is a mapping only by its methods (an image) becomes one."""
    return json.dumps(value, default=_mapping, separators=(",", ":"))


def loads(text: str) -> Any:
    """Return the values of `dumps`."""
    return json.loads(text)


def _mapping(value: Any) -> Plain:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def request_to_plain(request: Request) -> Plain:
    """Return what is keyed and stored of a request; what carries a client's own stays where it is."""
    return {
        "api": str(request.api),
        "endpoint": request.endpoint,
        "model": request.model,
        "messages": request.messages,
        "parameters": request.parameters,
        "path": request.path,
    }


def request_from_plain(plain: Plain) -> Request:
    """Return the request."""
    return Request(**{**plain, "messages": tuple(plain["messages"])})


def reply_to_plain(reply: Reply) -> Plain:
    """Return a reply as it is stored, and whether it was read."""
    return {"stored": encode_reply(reply)[0].decode(), "cached": reply.cached}


def reply_from_plain(plain: Plain) -> Reply:
    """Return the reply; its `raw` is decoded on first use."""
    reply = decode_reply(plain["stored"].encode())
    object.__setattr__(reply, "cached", plain["cached"])  # it is ours alone, and `replace` decodes its `raw`
    return reply


def call_to_plain(call: Call) -> Plain:
    """Return one call of a transcript."""
    at = call.address
    return {
        "model": call.model,
        "request": request_to_plain(call.request),
        "reply": reply_to_plain(call.reply),
        "address": [at.key, at.seed, at.stream, at.slot],
        "drawn_at": call.drawn_at,
        "speaker": call.speaker,
        "may_be_cut": call.may_be_cut,
    }


def call_from_plain(plain: Plain) -> Call:
    """Return the call."""
    key, seed, stream, slot = plain["address"]
    return Call(
        model=plain["model"],
        request=request_from_plain(plain["request"]),
        reply=reply_from_plain(plain["reply"]),
        address=Address(key=key, seed=seed, stream=stream, slot=slot),
        drawn_at=plain["drawn_at"],
        speaker=plain["speaker"],
        may_be_cut=plain["may_be_cut"],
    )


def planned_to_plain(planned: Planned) -> Plain:
    """Return a planned trial without its case, which a worker has by its digest."""
    return {
        "index": planned.index,
        "turn": planned.turn,
        "unit": planned.unit,
        "case_digest": planned.case_digest,
        "case_id": planned.case_id,
        "repeat": planned.repeat,
        "unit_size": planned.unit_size,
        "arm": planned.arm,
    }


def planned_from_plain(plain: Plain, case: Any) -> Planned:
    """Return the planned trial with the worker's own case."""
    return Planned(case=case, **plain)


def finished_to_plain(finished: Finished) -> Plain:
    """Return what a trial came to, without what is planned."""
    record = finished.record
    return {
        "seed": record.seed,
        "kind": record.kind.value,
        "values": dict(record.values),
        "detail": record.detail,
        "location": record.location,
        "notes": record.notes,
        "calls": [call_to_plain(call) for call in record.calls],
        "stubs": [[each.what, each.why, each.where] for each in record.stubs],
        "notices": finished.notices,
        "error": None if finished.error is None else error_to_plain(finished.error),
    }


def finished_from_plain(
    planned: Planned, plain: Plain, *, known: Mapping[str, type[BaseException]]
) -> Finished:
    """Return what a planned trial came to; `known` are more exceptions that come back as themselves."""
    record = TrialRecord(
        index=planned.index,
        case_id=planned.case_id,
        repeat=planned.repeat,
        seed=plain["seed"],
        arm=planned.arm,
        unit=planned.unit,
        unit_size=planned.unit_size,
        kind=OutcomeKind(plain["kind"]),
        values=plain["values"],
        detail=plain["detail"],
        location=plain["location"],
        target=target_of(planned.case),
        case=planned.case,
        notes=tuple(plain["notes"]),
        calls=tuple(map(call_from_plain, plain["calls"])),
        stubs=tuple(Stubbed(what=what, why=why, where=where) for what, why, where in plain["stubs"]),
    )
    error = None if plain["error"] is None else error_from_plain(plain["error"], known)
    return Finished(planned=planned, record=record, error=error, notices=tuple(plain["notices"]))


def failed(planned: Planned, seed: int, error: BaseException) -> Finished:
    """Return a trial that ended without a word from its worker."""
    plain = {
        "seed": seed,
        "kind": OutcomeKind.INVALID.value,
        "values": {},
        "detail": str(error),
        "location": "",
        "notes": (),
        "calls": (),
        "stubs": (),
        "notices": (),
        "error": None,
    }
    record = finished_from_plain(planned, plain, known={}).record
    return Finished(planned=planned, record=record, error=error)


class ElsewhereError(Exception):
    """An exception of a body in another process, whose class this one may not have."""


_OURS: Mapping[str, type[VeloError]] = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, VeloError)
}
_DETAILS = ("kind", "retry_after_s", "worst_usd", "was_sent")
"""What classes of ours say beside what, where and fix; set as attributes."""


def error_to_plain(error: BaseException, *, depth: int = 0) -> Plain:
    """Return an exception: of ours all that it says, of others class, text and traceback."""
    cause = error.__cause__
    plain: Plain = {
        "class": type(error).__name__,
        "module": type(error).__module__,
        "text": str(error),
        "cause": None if cause is None or depth == _MOST_CAUSES else error_to_plain(cause, depth=depth + 1),
    }
    if isinstance(error, VeloError):
        named = {name: getattr(error, name) for name in _DETAILS if hasattr(error, name)}
        plain |= {"what": error.what, "where": error.where, "fix": error.fix, "status": error.status, **named}
    elif depth == 0:
        plain["trace"] = "".join(traceback.format_exception(error))[-_MOST_TRACE:]
    return plain


def error_from_plain(plain: Plain, known: Mapping[str, type[BaseException]] | None = None) -> BaseException:
    """Return the exception: one of ours or of Python's as itself, any other under its own name."""
    name, text = plain["class"], plain["text"]
    error: BaseException
    if "what" in plain:
        error = _ours(plain)
    elif name in (known or {}):
        error = (known or {})[name](text)
    else:
        error = _named(name, plain["module"], text)
        if "trace" in plain:
            error.add_note(plain["trace"])
    if plain["cause"] is not None:
        error.__cause__ = error_from_plain(plain["cause"], known)
    return error


def _ours(plain: Plain) -> VeloError:
    kind = _OURS.get(plain["class"], VeloError)
    error = kind.__new__(kind)
    VeloError.__init__(error, plain["what"], where=plain["where"], fix=plain["fix"])
    for name in ("status", *_DETAILS):
        if name in plain:
            setattr(error, name, plain[name])
    return error


def _named(name: str, module: str, text: str) -> BaseException:
    """Return an exception of this name and text; a class of Python's own only if it says the same."""
    usual = getattr(builtins, name, None) if module == "builtins" else None
    if isinstance(usual, type) and issubclass(usual, Exception):
        try:
            made: Exception = usual(text)
            if str(made) == text:
                return made
        except TypeError:  # it needs more than a text
            pass
    error: BaseException = type(name, (ElsewhereError,), {"__module__": module})(text)
    return error
