"""Which requests are keyed in a newer form, because an older version sent or read them differently.

Older versions left fields of messages and tools unsent that they had no place for, and kept a prefill that a
server repeated as the beginning of the reply. Their draws of such requests are not what is asked for today,
so today's have keys of their own. The keys of all other requests are what they always were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_velo.providers.prefill import never_repeats
from pytest_velo.records import JsonObject, Request
from pytest_velo.settings import Api

FIRST = 1
WHOLE = 2
"""Whatever the request holds is sent, and a reply's text is the continuation of a prefill."""

_MESSAGE = frozenset({"role", "content", "tool_calls", "tool_call_id", "blocks"})
_CALL = frozenset({"id", "type", "name", "arguments", "arguments_text"})
_TEXT = frozenset({"type", "text"})
_IMAGE = frozenset({"type", "media_type", "data"})


def form_of(request: Request) -> int:
    """Return the form that a request is keyed in."""
    if request.path or _is_plain(request):  # what a client sent was never sent otherwise
        return FIRST
    api = request.api
    changed = (
        (bool(request.prefill) and not never_repeats(request))
        or any(_was_cut(message, api) for message in request.messages)
        or any(_was_bent(tool, api) for tool in request.parameters.get("tools") or ())
    )
    return WHOLE if changed else FIRST


def _is_plain(request: Request) -> bool:
    """Tell, in little time, whether a request is what most are: texts, the last one not the model's."""
    for message in request.messages:
        if len(message) != 2 or type(content := message.get("content")) is not str or not content:
            return False
    is_begun = bool(request.messages) and request.messages[-1].get("role") == "assistant"
    return not is_begun and "tools" not in request.parameters


def _was_cut(message: JsonObject, api: str) -> bool:
    """Tell whether an older version sent less of a message than it holds."""
    if not message.keys() <= _MESSAGE or ("tool_call_id" in message and message.get("role") != "tool"):
        return True
    calls = message.get("tool_calls") or ()
    if not all(isinstance(call, Mapping) and call.keys() <= _CALL for call in calls):
        return True
    content = message.get("content")
    if isinstance(content, list | tuple):
        return _lost_a_part(content, message.get("role"), api)
    return api == Api.OPENAI_RESPONSES and not content and not calls and not message.get("blocks")


def _lost_a_part(parts: Iterable[Any], role: Any, api: str) -> bool:
    text_only = (api == Api.ANTHROPIC and role in ("system", "tool")) or (
        api == Api.OPENAI_RESPONSES and role == "tool"
    )
    plain_text = text_only or api in (Api.OPENAI_RESPONSES, Api.LOCAL)
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        kind = part.get("type")
        if kind == "text":
            lost = plain_text and not part.keys() <= _TEXT
        elif kind == "image":
            lost = text_only or ("data" in part and not part.keys() <= _IMAGE)
        else:
            lost = text_only
        if lost:
            return True
    return False


def _was_bent(tool: Any, api: str) -> bool:
    """Tell whether an older version sent a tool in another shape."""
    if not isinstance(tool, Mapping):
        return False
    kind = tool.get("type")
    match api:
        case Api.OPENAI_CHAT:
            return kind is not None
        case Api.OPENAI_RESPONSES:
            return kind not in (None, "function")
        case Api.ANTHROPIC:
            return kind not in (None, "custom")
        case _:
            return False
