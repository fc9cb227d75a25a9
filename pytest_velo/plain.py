"""Values, cases and messages as plain JSON, with an allow-list of a message's fields.

It is what records hold. To do it twice changes nothing, so a trial that runs and the same one that is read
from a record have the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from pytest_velo.canonical import members_of
from pytest_velo.case_sets import Case
from pytest_velo.media import identified
from pytest_velo.records import JsonObject

_MESSAGE = (
    "role",
    "content",
    "name",
    "prefix",
    "reasoning_content",
    "reasoning",
    "tool_calls",
    "tool_call_id",
)
_PART = ("type", "text", "media_type")
_MOST_NESTED = 100  # a model may nest more deeply than Python can recurse
_AS_IT_IS = frozenset({str, int, bool, type(None)})  # exact types: most of what a record holds


def number_to_json(value: float | None) -> float | str | None:
    """Return a number for JSON; an infinity or NaN becomes text, which `float` reads back."""
    return value if value is None or math.isfinite(value) else str(value)


def case_to_json(case: Any) -> Any:
    """Return a case's fields by name, or the value that it is; what JSON cannot hold is named by its type."""
    members = vars(case) if isinstance(case, Case) else members_of(case)
    if members is None:
        return _field(case)
    return {str(name): _field(value) for name, value in members.items()}


def message_to_json(message: JsonObject) -> dict[str, Any]:
    """Return the fields of a message that a record has."""
    written = {name: plain(message[name]) for name in _MESSAGE if name in message}
    content = message.get("content")
    if isinstance(content, list | tuple):
        written["content"] = [_part_to_json(part) for part in content]
    return written


def plain(value: Any, room: int = _MOST_NESTED) -> Any:
    """Return `value` as plain JSON; what JSON cannot hold is named by its type, never by its repr.

    So is anything nested deeper than `room` levels.
    """
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return number_to_json(value)
    if isinstance(value, Mapping) and room:
        return {str(name): plain(item, room - 1) for name, item in value.items()}
    if isinstance(value, list | tuple) and room:
        return [plain(item, room - 1) for item in value]
    return f"<{type(value).__name__}>"


def _field(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else plain(value)


def _part_to_json(part: Any) -> Any:
    """Return a part of a message; an image is named by its size and the hash of its bytes, not copied."""
    if not isinstance(part, Mapping):
        return plain(part)
    written = {name: plain(part[name]) for name in _PART if name in part}
    return written | {name: plain(value) for name, value in identified(part).items()}
