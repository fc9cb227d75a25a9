"""The prompts a body may give, converted to the neutral messages that every wire can carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_velo.errors import BodyError
from pytest_velo.records import JsonObject, Reply, as_messages

Prompt = str | Reply | Sequence[JsonObject]


def messages_of(prompt: Prompt, system: str | None) -> tuple[JsonObject, ...]:
    """Return the messages of a prompt; a reply, as a prompt or as a message's content, stands for its text.

    Raises:
        BodyError: It is not a prompt, or a message's content is neither text nor parts.
    """
    text = prompt.text if isinstance(prompt, Reply) else prompt
    if not isinstance(text, str) and not (
        isinstance(text, Sequence) and text and all(map(_is_message, text))
    ):
        raise BodyError(
            f"a prompt must be a text or a list of messages, got {prompt!r}",
            fix='model("…") or model([{"role": "user", "content": "…"}])',
        )
    return tuple(map(_carried, as_messages(text, system)))


def _is_message(message: object) -> bool:
    return isinstance(message, Mapping) and isinstance(message.get("role"), str)


def _carried(message: JsonObject) -> JsonObject:
    content = message.get("content")
    if isinstance(content, Reply):
        return {**message, "content": content.text}
    is_parts = isinstance(content, list | tuple) and all(isinstance(part, Mapping) for part in content)
    if content is None or isinstance(content, str) or is_parts:
        return message
    raise BodyError(
        f"a message's content must be a text or a list of parts, got {content!r}",
        fix='{"role": "user", "content": "…"}, or [{"type": "text", "text": "…"}] as its content',
    )
