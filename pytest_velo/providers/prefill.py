"""Prefill: a last message of the model's own, which the reply continues.

APIs differ in how they are told, in whether they can, and in whether the reply repeats what it continues.
Whatever they do, a reply's `text` is the continuation and its `prefill` what was sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never
from urllib.parse import urlsplit

from pytest_velo.errors import UsageError
from pytest_velo.providers.wire import given, json_value
from pytest_velo.records import Reply, Request
from pytest_velo.settings import Api, Endpoint, Prefill

_OPENAI_HOSTS = ("api.openai.com", ".openai.com", ".azure.com")
_ANTHROPIC = "anthropic"  # the identity of the endpoint that is not declared
_OPENAI = (Api.OPENAI_CHAT, Api.OPENAI_RESPONSES)
_FIX = "end the messages with one of the user's"


def is_openai(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint is OpenAI's own, or Azure's."""
    if endpoint.api not in _OPENAI:
        return False
    host = urlsplit(endpoint.base_url).hostname if endpoint.base_url else _OPENAI_HOSTS[0]
    return (host or "").endswith(_OPENAI_HOSTS)


def with_prefill(request: Request, endpoint: Endpoint) -> Request:
    """Return the request as its endpoint continues a message; unchanged if there is nothing to continue.

    Raises:
        UsageError: The endpoint cannot continue a message.
    """
    if not request.prefill:
        return request
    match endpoint.prefill:
        case Prefill.CONTINUE:
            told = {"continue_final_message": True, "add_generation_prompt": False}
            return replace(request, parameters={**told, **request.parameters})
        case Prefill.PREFIX:
            *others, last = request.messages
            return replace(request, messages=(*others, {"prefix": True, **last}))
        case Prefill.NONE:
            raise _cannot(request, "the endpoint is declared with prefill=none")
        case Prefill.PLAIN:
            return request
        case None:
            if is_openai(endpoint):
                raise _cannot(request, "OpenAI's API answers it with a new turn")
            return request
        case _:
            assert_never(endpoint.prefill)


def may_not_continue(request: Request, endpoint: Endpoint) -> bool:
    """Tell whether nobody said that the server continues the prefill of a request."""
    told = _continues(request) or (request.messages and request.messages[-1].get("prefix"))
    return bool(request.prefill and endpoint.prefill is None and endpoint.api in _OPENAI and not told)


def continued(reply: Reply, request: Request) -> Reply:
    """Return a reply to a prefilled request with `text` as the continuation, whether or not it was repeated.

    A server repeats a prefill if the reply begins with exactly that text.
    """
    prefill = request.prefill
    if not prefill or reply.prefill or reply.refused:
        return reply
    text = reply.text if never_repeats(request) else reply.text.removeprefix(prefill)
    parsed = reply.parsed
    if given(request, "schema") is not None:
        whole = json_value(prefill + text)
        parsed = json_value(text) if whole is None else whole
    return replace(reply, text=text, prefill=prefill, parsed=parsed)


def never_repeats(request: Request) -> bool:
    """Tell whether the reply is known to hold the continuation alone, so that nothing is cut off it.

    Anthropic's own server never repeats a prefill; others that speak its format (llama.cpp) do. vLLM is told
    by `echo`, of which llama.cpp knows nothing: only a call that says no is taken at its word.
    """
    own = request.api == Api.ANTHROPIC and request.endpoint == _ANTHROPIC
    return own or (_continues(request) and given(request, "echo") is False)


def _continues(request: Request) -> bool:
    return request.api in _OPENAI and given(request, "continue_final_message") is True


def _cannot(request: Request, why: str) -> UsageError:
    return UsageError(
        f"the last message is the assistant's, to be continued, but {why}",
        where=f"{request.endpoint}, model {request.model}",
        fix=f"{_FIX}; or declare prefill= at an endpoint that can (docs/reference/providers.md)",
    )
