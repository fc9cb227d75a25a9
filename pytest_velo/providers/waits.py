"""How long a server asks to wait: in headers, in fields of its error, or in words."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

_UNITS_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_IN_WORDS = re.compile(
    r"\b(?:retry|try again|wait|reset|available|retry after)\b[^.\d]{0,30}?"
    r"(\d+(?:\.\d+)?)\s*(milliseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?)\b"
)
_SHORT_IN_WORDS = re.compile(rf"\b(?:retry|try again|resets?|available) (?:in|after) ({_DURATION.pattern})\b")
_DAY_S = 86_400.0
_LONGEST_S = 3650 * _DAY_S  # a wait beyond has no date
_EPOCH_S = 1e9  # a reset that is larger is a moment, not a number of seconds
_EPOCH_MS = 1e12


def retry_after_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """Return how long a server asks to wait, in seconds; None if it does not say so legibly.

    Args:
        headers: The answer's headers; looked up in lower case.
        now_s: The time, in seconds since 1970; None for now.
    """
    in_ms, text = _number(headers.get("retry-after-ms")), headers.get("retry-after")
    if in_ms is not None:
        return max(0.0, in_ms / 1000)
    in_s = _number(text)
    if in_s is not None:
        return max(0.0, in_s)
    return _until(text, time.time() if now_s is None else now_s)


def exhausted_reset_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """Return when the last of the limits that are used up is reset, in seconds; None if no header tells.

    `x-ratelimit-remaining-requests: 0` with `x-ratelimit-reset-requests: 1m12s` (OpenAI, Azure, Groq),
    `anthropic-ratelimit-tokens-reset: 2026-01-01T00:00:00Z`, `x-ratelimit-reset: 1741305600000` (OpenRouter).
    A limit with something left says nothing about this refusal.
    """
    now = time.time() if now_s is None else now_s
    resets = [
        seconds
        for name, value in headers.items()
        if "ratelimit" in (low := name.lower()) and "reset" in low
        if _number(_sibling(headers, low)) in (0.0, None)
        if (seconds := _span_s(value, now)) is not None
    ]
    named = [name for name in map(str.lower, headers) if "ratelimit" in name and "remaining" in name]
    is_used_up = any(_number(headers.get(name)) == 0 for name in named) or not named
    return max(resets) if resets and is_used_up else None


def asked_in_body_s(fields: Mapping[str, Any], text: str, now_s: float | None = None) -> float | None:
    """Return the wait that an error's fields or its words ask for, in seconds; None if they ask for none.

    Args:
        fields: The error object: `details` with a `google.rpc.RetryInfo`, `retry_after`, `metadata.headers`.
        text: All it says, in lower case: "please try again in 1m12.5s", "retry after 6 seconds".
        now_s: The time, in seconds since 1970; None for now.
    """
    now = time.time() if now_s is None else now_s
    for name, value in _pairs(fields):
        if name in ("retryDelay", "retry_after", "retry_after_seconds", "estimated_time"):
            seconds = _span_s(str(value), now)
            if seconds is not None:
                return seconds
    metadata = fields.get("metadata")
    headers = metadata.get("headers") if isinstance(metadata, Mapping) else None
    if isinstance(headers, Mapping):
        told = {str(name).lower(): str(value) for name, value in headers.items()}
        seconds = retry_after_s(told, now)
        seconds = exhausted_reset_s(told, now) if seconds is None else seconds
        if seconds is not None:
            return seconds
    if found := _SHORT_IN_WORDS.search(text):
        return _duration_s(found[1])
    if found := _IN_WORDS.search(text):
        unit = "ms" if found[2].startswith("milli") else found[2][0]
        return float(found[1]) * _UNITS_S[unit]
    return None


def in_how_long(wait_s: float) -> str:
    """Say a wait, and the time at its end: `in 2 h 5 min, at 18:40 UTC`."""
    minutes = math.ceil(wait_s / 60)
    hours, minutes = divmod(minutes, 60)
    span = f"{wait_s:.0f} s" if wait_s < 120 else f"{hours} h {minutes} min" if hours else f"{minutes} min"
    moment = datetime.now(UTC) + timedelta(seconds=min(wait_s, _LONGEST_S))
    day = "" if wait_s < _DAY_S else f"{moment:%Y-%m-%d} "
    return f"in {span}, at {day}{moment:%H:%M} UTC"


def _sibling(headers: Mapping[str, str], reset: str) -> str | None:
    """Return what remains of the limit that `reset` is about."""
    return headers.get(reset.replace("reset", "remaining"))


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Give every named plain value inside an error object."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, str | int | float) and not isinstance(inner, bool):
                yield name, inner
            elif name != "headers":
                yield from _pairs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _pairs(inner)


def _span_s(text: str, now: float) -> float | None:
    """Return the seconds from now to a reset, given as a number, a duration or a moment."""
    number = _number(text)
    if number is None:
        short = text.strip().lower()
        return _duration_s(short) if _DURATION.fullmatch(short) else _until(text, now)
    if number >= _EPOCH_MS:
        number = number / 1000 - now
    elif number >= _EPOCH_S:
        number -= now
    return max(0.0, number)


def _duration_s(text: str) -> float:
    return sum(float(amount) * _UNITS_S[unit] for amount, unit in _PART.findall(text))


def _until(text: str | None, now: float) -> float | None:
    """Return the seconds from now to a moment, as HTTP or ISO 8601 writes it."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return max(0.0, read(text or "").timestamp() - now)
        except ValueError:
            continue
    return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
