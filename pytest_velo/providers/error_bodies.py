"""Errors as the servers write them, read into one form: every API nests and names its parts otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_velo.providers.waits import asked_in_body_s, exhausted_reset_s, retry_after_s
from pytest_velo.records import JsonObject

_NAMED_STATUS = {"rate_limit_exceeded": 429, "insufficient_quota": 429, "invalid_api_key": 401}
# MiniMax reports every failure inside a 200, under numbers of its own.
_MINIMAX_STATUS = {1002: 429, 1039: 429, 1004: 401, 1008: 402, 1013: 500, 2013: 400}
_MINIMAX_FILTERED = (1026, 1027)
_MESSAGE_CHARS = 500
_QUOTED_CHARS = 120
_NESTED = 4  # a router's error inside a proxy's inside a router's


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One HTTP error in neutral form.

    Attributes:
        status: The HTTP status; 200 if the failure stands in a 200 and names none.
        message: What the server says, with what the server behind a router says.
        codes: Every code and type in the body, in lower case.
        param: The parameter that the server blames; None if it names none.
        retry_after_s: How long to wait, in seconds; None if the server does not say.
        body: The whole body; empty if it is not an object.
        text: All words of the body's messages, in lower case.
        is_inside: It stands inside a 200; the status is then what it says of itself.
    """

    status: int
    message: str
    codes: frozenset[str]
    param: str | None
    retry_after_s: float | None
    body: JsonObject
    text: str = ""
    is_inside: bool = False

    @property
    def place(self) -> str:
        """Where it was reported, for messages."""
        if not self.is_inside:
            return f"HTTP {self.status}"
        return "HTTP 200, but inside it an error" + (f" {self.status}" if self.status >= 400 else "")


def read_failure(status: int, headers: Mapping[str, str], body: object) -> Failure:
    """Read an error's body, whichever of the providers' formats it has.

    Args:
        status: The HTTP status.
        headers: The response's headers; looked up in lower case.
        body: The parsed JSON body, or its text if it is not JSON.
    """
    if isinstance(body, list) and body and isinstance(body[0], Mapping) and "error" in body[0]:
        body = body[0]  # Gemini's OpenAI surface
    whole: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    layers = tuple(_layers(whole))
    codes = {code for layer in layers for code in _codes(layer)}
    said = list(dict.fromkeys(message for message in map(_message, layers) if message)) or [quoted(body)]
    text = " ".join([*said, *_details(layers)]).lower()
    params = [layer["param"] for layer in layers if isinstance(layer.get("param"), str)]
    asked = (retry_after_s(headers), *(asked_in_body_s(layer, text) for layer in layers or ({},)))
    waits = [seconds for seconds in (*asked, exhausted_reset_s(headers)) if seconds is not None]
    return Failure(
        status=status,
        message=": ".join(said)[:_MESSAGE_CHARS],
        codes=frozenset(codes),
        param=params[-1] if params else None,
        retry_after_s=waits[0] if waits else None,
        body=whole,
        text=text,
    )


def inner_status(error: Mapping[str, Any]) -> int:
    """Return the HTTP status of a failure that is reported inside a 200.

    502 if it has only a name; 200 if it has not even that.
    """
    code = error.get("code")
    if isinstance(code, str) and code.isdecimal():
        code = int(code)
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    named = [value for value in (code, error.get("type")) if isinstance(value, str)]
    return next((_NAMED_STATUS[name] for name in named if name in _NAMED_STATUS), 502 if named else 200)


def read_inside(status: int, headers: Mapping[str, str], body: object) -> Failure:
    """Read the body of a 200 that reports a failure; `status` is what the failure says of itself."""
    return replace(read_failure(status, headers, body), is_inside=True)


def inner_failure(body: object, headers: Mapping[str, str]) -> Failure | None:
    """Return the failure that a 200 reports inside; None if it reports none."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        return None
    error, base = body.get("error"), body.get("base_resp")
    if isinstance(error, Mapping) and error:
        return read_inside(inner_status(error), headers, body)
    if isinstance(error, str) and error and not body.get("choices"):
        return read_inside(inner_status(body), headers, body)
    if body.get("object") == "error" or body.get("type") == "error":
        return read_inside(inner_status(body), headers, body)
    if isinstance(base, Mapping) and base.get("status_code"):
        number = base["status_code"]
        code = "content_filter" if number in _MINIMAX_FILTERED else number
        error = {"message": base.get("status_msg"), "code": code}
        status = 400 if number in _MINIMAX_FILTERED else _MINIMAX_STATUS.get(number, 502)
        return read_inside(status, headers, {**body, "error": error})
    return None


def quoted(body: object) -> str:
    """Return the first characters of a body that is not what it should be, on one line."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body, default=str)
    line = " ".join(text[: 10 * _QUOTED_CHARS].split())
    return line if len(line) <= _QUOTED_CHARS else f"{line[:_QUOTED_CHARS]}..."


def _layers(whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give a body's error objects, from the outermost in: a router's has the provider's inside."""
    layer: Any = whole
    for _ in range(_NESTED if whole else 0):
        error = layer.get("error", layer)
        if isinstance(error, str) and layer is whole:
            error = {**layer, "error": None, "message": error}  # xAI: the sentence is the error
        if not isinstance(error, Mapping):
            return
        yield error
        metadata = error.get("metadata")
        raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
        layer = _parsed(raw)
        if not isinstance(layer, Mapping):
            if raw:
                yield {"message": quoted(raw)}
            return


def _parsed(raw: Any) -> Any:
    """Return what a router passes on of the server behind it: an object, or its JSON, or a text."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            return raw
    return raw[0] if isinstance(raw, list) and raw else raw


def _codes(layer: Mapping[str, Any]) -> Iterator[str]:
    """Give every code and type of an error object, in lower case."""
    inner, details, metadata = layer.get("innererror"), layer.get("details"), layer.get("metadata")
    named = [layer.get("code"), layer.get("type")]
    named += [layer.get("status")] if isinstance(layer.get("status"), str) else []
    named += [inner.get("code")] if isinstance(inner, Mapping) else []
    listed = details if isinstance(details, list) else []
    named += [detail.get("reason") for detail in listed if isinstance(detail, Mapping)]
    if isinstance(metadata, Mapping) and "flagged_input" in metadata:
        yield "content_filter"  # OpenRouter's moderation sends only the 403
    yield from (str(code).lower() for code in named if code is not None)


def _message(layer: Mapping[str, Any]) -> str:
    """Return what an error object says."""
    said = layer.get("message") or layer.get("detail") or layer.get("msg") or ""
    if not isinstance(said, str):
        said = json.dumps(said, default=str)
    return " ".join(said.split())


def _details(layers: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    """Give the names of the limits that Google's details tell and its sentence does not."""
    for layer in layers:
        for detail in layer["details"] if isinstance(layer.get("details"), list) else ():
            violations = detail.get("violations") if isinstance(detail, Mapping) else None
            for violation in violations if isinstance(violations, list) else ():
                if isinstance(violation, Mapping):
                    yield str(violation.get("quotaId", ""))
