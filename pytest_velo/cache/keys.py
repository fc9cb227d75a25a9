"""The key of a request: what is sent, and nothing else."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from pytest_velo.cache.forms import FIRST, form_of
from pytest_velo.canonical import canonical
from pytest_velo.errors import UsageError
from pytest_velo.records import Request

CANON = 1
"""Version of the canonical form; part of every key, so that a different form never reads old draws."""


def request_key(request: Request, form: int | None = None) -> str:
    """Return the key of a request: SHA-256 of `request_body`, 64 hex digits.

    It covers the wire family, the endpoint's identity, the model, the messages and the parameters the caller
    set. It does not cover the derived seed, the slot, the test, the API key or headers.

    Args:
        request: The request.
        form: Its form; by default the one it has today.

    Raises:
        UsageError: A message or parameter has no exact JSON form; the message names its path.
    """
    return sha256(request_body(request, form)).hexdigest()


def key_parameters(request: Request) -> dict[str, Any]:
    """Return a request's parameters as its key sees them: whole top-level floats become integers."""
    return {
        name: int(value) if type(value) is float and value.is_integer() else value
        for name, value in request.parameters.items()
    }


def recorded_form(request: Request, key: str) -> int:
    """Return the form in which a stored request has the key `key`; the form it has today if in none."""
    today = form_of(request)
    return FIRST if today != FIRST and request_key(request, FIRST) == key else today


def request_body(request: Request, form: int | None = None) -> bytes:
    """Return the canonical JSON of a request, as it is stored and hashed.

    A whole float among the top-level parameters is written as an integer: `temperature=1` and
    `temperature=1.0` are the same request to every provider. Inside messages, tools and schemas, values stay
    as they are.

    Args:
        request: The request.
        form: Its form; by default the one it has today.

    Raises:
        UsageError: As for `request_key`.
    """
    form = form_of(request) if form is None else form
    newer: dict[str, Any] = {} if form == FIRST else {"form": form}
    if request.path:
        newer["path"] = request.path
    try:
        return canonical(
            {
                "api": request.api,
                "canon": CANON,
                "endpoint": request.endpoint,
                "messages": request.messages,
                "model": request.model,
                "parameters": key_parameters(request),
                **newer,
            },
            name="request",
        )
    except UsageError as error:
        raise error.at("a model call") from None
