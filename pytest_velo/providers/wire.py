"""What the wire mappings share: reading neutral messages and the JSON that models write."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, cast

from pytest_velo.errors import UsageError
from pytest_velo.media import Media
from pytest_velo.records import JsonObject, Request, ToolCall

NEUTRAL_PARAMETERS = frozenset(
    {"temperature", "top_p", "max_tokens", "effort", "stop", "tools", "schema", "logprobs"}
)

IMAGE = ("type", "media_type", "data")
"""The fields of a neutral image part."""
OWN_BLOCKS = "blocks go back to the API they came from: send the reply's text to another one"

MOST_TOKENS = 10**9
"""No reply has more: a larger count is a server's mistake, and unknown."""


def given(request: Request, name: str) -> Any:
    """Return the parameter `name`; None if it was not set."""
    return request.parameters.get(name)


def own_parameters(request: Request) -> dict[str, Any]:
    """Return the provider's own parameters, those without a neutral name; they are sent as they are."""
    return {name: value for name, value in request.parameters.items() if name not in NEUTRAL_PARAMETERS}


def sendable(
    to_wire: Callable[[Request, int | None], dict[str, Any]], request: Request, seed: int | None
) -> dict[str, Any]:
    """Return the body that a mapping makes of a request.

    Raises:
        UsageError: A message or a parameter cannot be sent.
    """
    try:
        return to_wire(request, seed)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"a message or parameter of the call cannot be sent ({type(error).__name__}: {error})",
            where=f"{request.endpoint}, model {request.model}",
            fix="see the shapes of messages in pytest_velo.records: tool answers need a tool_call_id,"
            " images a media_type, tool calls an id, a name and arguments",
        ) from None


def beside(given: JsonObject, *known: str) -> dict[str, Any]:
    """Return the fields of a message, a part or a tool call other than the `known` ones."""
    return {name: value for name, value in given.items() if name not in known}


def call_fields(call: JsonObject) -> dict[str, Any]:
    """Return the fields of a tool call that have no neutral name."""
    return beside(call, "id", "type", "name", "arguments", "arguments_text")


def refuse_fields(request: Request, place: str, fields: Iterable[str], api: str, fix: str = "") -> None:
    """Refuse what an API has no place for; no field is dropped silently.

    Args:
        request: What is to be sent.
        place: Where the fields are, e.g. `messages[2]`.
        fields: Their names.
        api: What has no place for them, as a subject.
        fix: What to do instead; leaving them out by default.

    Raises:
        UsageError: There are such fields; one is named.
    """
    for name in sorted(fields):
        raise UsageError(
            f"{api} has no place for `{name}` of {place}",
            where=f"{request.endpoint}, model {request.model}",
            fix=fix or f"leave {name} out, or say it in the text",
        )


def refuse_edited(
    request: Request, place: str, message: JsonObject, said: str, calls: Container[Any]
) -> None:
    """Refuse a turn whose blocks, which are what is sent, do not say what the message says.

    Args:
        request: What is to be sent.
        place: Where the message is.
        message: It, with blocks.
        said: The text of its blocks.
        calls: The ids of the tool calls in its blocks.

    Raises:
        UsageError: Its text or its calls were edited.
    """
    text = plain_text(message)
    if (text and text != said) or any(call["id"] not in calls for call in message.get("tool_calls") or ()):
        raise UsageError(
            f"{place} says one thing in `content` or `tool_calls` and another in `blocks`",
            where=f"{request.endpoint}, model {request.model}",
            fix="leave blocks out of a turn that you edited",
        )


def refuse_parameters(
    request: Request, body: Mapping[str, Any], fixed: Mapping[str, str], together: Mapping[str, str]
) -> None:
    """Refuse parameters of a call that would silently replace what the call sends anyway.

    Args:
        request: What is to be sent.
        body: What is sent without the call's own parameters.
        fixed: Names in the body that no parameter may replace, and what to do instead.
        together: The neutral name behind some names in the body.

    Raises:
        UsageError: There is one.
    """
    for name, value in own_parameters(request).items():
        if name in fixed and value is not False:
            what, fix = f"`{name}` cannot be a parameter of a call", fixed[name]
        elif name in body and name in together:
            what, fix = f"`{together[name]}` and `{name}` set the same", f"leave {name}= out"
        else:
            continue
        raise UsageError(what, where=f"{request.endpoint}, model {request.model}", fix=fix)


def is_plain_text(parts: Iterable[JsonObject]) -> bool:
    """Tell whether parts are text and nothing else."""
    return all(set(part) == {"type", "text"} and part["type"] == "text" for part in parts)


def whole(value: Any) -> int | None:
    """Return a number that JSON may write as `3` or `3.0`; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def count(value: Any) -> int | None:
    """Return a number of tokens as a server states it; None if it is not one."""
    number = whole(value)
    return number if number is not None and 0 <= number <= MOST_TOKENS else None


def text_of(value: Any, what: str) -> str:
    """Return a text that a reply must have.

    Raises:
        TypeError: It is none; the message names `what`.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} is {type(value).__name__}")
    return value


def text_or_none(value: Any) -> str | None:
    """Return a text that a server states; None for anything else."""
    return value if isinstance(value, str) else None


def n_alternatives(request: Request) -> int | None:
    """Return how many alternatives per token were requested (`logprobs=`); None if none were.

    Raises:
        UsageError: It is not a whole number from 0 to 20.
    """
    value = given(request, "logprobs")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 20:
        raise UsageError(
            f"`logprobs` must be a whole number from 0 to 20, got {value!r}",
            where=f"model {request.model}",
            fix="logprobs=5",
        )
    return value


def content_parts(message: JsonObject) -> tuple[JsonObject, ...]:
    """Return a message's content as parts, images and sounds with their data.

    Text becomes one text part, None and "" become none.
    """
    content = message.get("content")
    if isinstance(content, str):
        return ({"type": "text", "text": content},) if content else ()
    return tuple(part.whole if isinstance(part, Media) else part for part in content or ())


def refuse_audio(request: Request, api: str) -> None:
    """Refuse sounds, which an API has no place for.

    Raises:
        UsageError: There is one.
    """
    for number, message in enumerate(request.messages):
        content = message.get("content")
        parts = () if isinstance(content, str) else content or ()
        if any(part.get("type") == "audio" for part in parts):
            raise UsageError(
                f"{api} takes no audio, as in messages[{number}]",
                where=f"{request.endpoint}, model {request.model}",
                fix="send a transcript, or use a model that listens, by chat completions (openai/)",
            )


def plain_text(message: JsonObject) -> str:
    """Return the text of a message's content; images and sounds have none."""
    return "".join(part["text"] for part in content_parts(message) if part.get("type") == "text")


def data_url(image: JsonObject) -> str:
    """Return a neutral image part as a data URL.

    Source: RFC 2397.
    """
    return f"data:{image['media_type']};base64,{image['data']}"


def arguments_text(call: JsonObject) -> str:
    """Return a tool call's arguments as the JSON text that the model wrote, or an equivalent one."""
    arguments = call.get("arguments")
    if arguments is None or arguments == "":
        return cast(str, call.get("arguments_text") or "{}")
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def called(identifier: Any, name: Any, arguments: Any) -> ToolCall:
    """Return a tool call; some servers omit its id, or give its arguments as an object.

    Raises:
        TypeError: It does not name a tool.
    """
    text = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
    return ToolCall(
        id=text_or_none(identifier) or "",
        name=text_of(name, "a tool's name"),
        arguments=json_object(text),
        arguments_text=text,
    )


def json_object(text: str) -> JsonObject | None:
    """Return the JSON object in `text`; None if it is not one."""
    value = json_value(text)
    return value if isinstance(value, dict) else None


def json_value(text: str) -> Any:
    """Return the JSON value in `text`; None if it is not JSON, which has no NaN and no infinity."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):  # model output is hostile: deep nesting included
        return None


def _no_number(name: str) -> Any:
    raise ValueError(name)  # it cannot be stored: a replay would read null


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _no_number(text)


def parsed_answer(text: str, request: Request) -> Any:
    """Return the JSON value of an answer to a request with a schema; None otherwise."""
    return json_value(text) if given(request, "schema") is not None else None


def is_strict(schema: Any) -> bool:
    """Tell whether OpenAI's strict mode takes a JSON schema: objects closed, every property required."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "object" or "properties" in schema:
            closed = schema.get("additionalProperties") is False
            if not closed or set(schema.get("properties", ())) != set(schema.get("required", ())):
                return False
        return all(is_strict(value) for value in schema.values())
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return all(is_strict(value) for value in schema)
    return True
