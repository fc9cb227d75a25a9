"""What a judge is shown beside the text it judges: the conversation that led to it, or a text of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from pytest_velo.errors import BodyError, tell
from pytest_velo.media import identified, shown
from pytest_velo.records import JsonObject, Reply
from pytest_velo.sampling.scope import TrialScope

Turns = tuple[tuple[str, str], ...]
"""Who said what."""
Shown = str | Turns | None
"""A text, a conversation, or nothing."""


class _Own(Enum):
    CONVERSATION = "the conversation that led to the reply"

    def __repr__(self) -> str:
        return f"<{self.value}>"


CONVERSATION = _Own.CONVERSATION
"""The context of a judge unless one is given; a text that is no reply of the trial has none."""

Context = str | Reply | Sequence[JsonObject] | _Own | None
"""What `context=` may be: a text, the messages of a conversation, or None for the text alone."""


def shown_with(text: str | Reply, context: Context, scope: TrialScope) -> Shown:
    """Return what is shown with a text of the running trial.

    Raises:
        BodyError: `context` is nothing that can be shown.
    """
    if context is CONVERSATION:
        origin = scope.origin_of(text) if isinstance(text, Reply) else None
        return None if origin is None else turns_of(origin.request.messages, goes_on=True)
    if context is None or isinstance(context, str | Reply):
        return None if context is None else str(context)
    if isinstance(context, list | tuple) and all(isinstance(message, Mapping) for message in context):
        return turns_of(context)
    raise tell(
        BodyError(
            f"context= must be a text, messages or None, got {context!r}"[:200],
            fix='judge("…", reply, context=case.question); None shows the judge the reply alone',
        )
    )


def turns_of(messages: Iterable[JsonObject], *, goes_on: bool = False) -> Turns:
    """Return messages as turns: their texts, with tool calls as text, images by name, no reasoning.

    Args:
        messages: In any API's shape.
        goes_on: A last message of the model's is the beginning of the text that is judged.
    """
    turns = [(_role(message), _said(message)) for message in messages]
    if goes_on and turns and turns[-1][0] == "assistant":
        turns[-1] = (f"{turns[-1][0]}, begun: the text goes on from here", turns[-1][1])
    return tuple(turns)


def _role(message: JsonObject) -> str:
    return " ".join(str(message.get("role", "user")).split())[:20]


def _said(message: JsonObject) -> str:
    return "\n".join([*_texts(message.get("content")), *map(_called, _listed(message.get("tool_calls")))])


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in _listed(content):
        if not isinstance(part, Mapping):
            yield str(part)
        elif isinstance(part.get("text"), str):
            yield part["text"]
        else:
            yield shown({**part, **identified(part)})


def _called(call: Any) -> str:
    if not isinstance(call, Mapping):
        return str(call)
    function = call.get("function")
    named = function if isinstance(function, Mapping) else call
    arguments = named.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, default=str)
    return f"calls {named.get('name')}({text})"


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
