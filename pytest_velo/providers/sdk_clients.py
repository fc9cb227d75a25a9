"""The SDKs' own clients for code that takes one: genuine in all but the transport of their HTTP client."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import Any, assert_never

import httpx2

from pytest_velo.errors import UsageError
from pytest_velo.providers.clients import HttpProvider, client_options
from pytest_velo.providers.registry import ProviderFactory
from pytest_velo.providers.sdks import Sdk
from pytest_velo.settings import Api, Endpoint

LOCAL_ADDRESS = "http://embedded.invalid"
"""Stands for the embedded server, which is started with the first draw that has to be made."""
_CHAIN = "_middleware_chain"
"""What a client of Anthropic's makes of its option `middleware`, anew in each copy."""


def make_client(
    sdk: Sdk,
    endpoint: Endpoint,
    *,
    is_async: bool,
    transport: Any,
    factories: Mapping[str, ProviderFactory] | None = None,
) -> Any:
    """Return an SDK's client that posts to an endpoint through `transport`, without retries of its own.

    Args:
        sdk: Which SDK.
        endpoint: Where it posts.
        is_async: Make the client that is awaited.
        transport: The HTTP transport, of httpx2, for both kinds of client.
        factories: Wire families from plugins, by name.

    Raises:
        UsageError: The endpoint's API is a plugin's that has no such client, or none that can block.
    """
    limit = httpx2.Timeout(endpoint.timeout_s)
    http_client: Any = (httpx2.AsyncClient if is_async else httpx2.Client)(transport=transport, timeout=limit)
    if endpoint.api not in list(Api):
        return _of_plugin(sdk, endpoint, http_client, is_async=is_async, factories=factories or {})
    if endpoint.api == Api.LOCAL:
        endpoint = replace(endpoint, base_url=LOCAL_ADDRESS + ("/v1" if sdk == "openai" else ""))
    kind, address = _class_of(sdk, is_async=is_async)
    return kind(http_client=http_client, **client_options(endpoint, address))


def _class_of(sdk: Sdk, *, is_async: bool) -> tuple[Any, str]:
    """Return the class of a client, and the address of its own server."""
    match sdk:
        case "openai":
            import openai  # weight: half a second

            return openai.AsyncOpenAI if is_async else openai.OpenAI, "https://api.openai.com/v1"
        case "anthropic":
            import anthropic  # weight: more than a second

            kind = anthropic.AsyncAnthropic if is_async else anthropic.Anthropic
            return kind, "https://api.anthropic.com"
        case _:
            assert_never(sdk)


def _of_plugin(
    sdk: Sdk,
    endpoint: Endpoint,
    http_client: Any,
    *,
    is_async: bool,
    factories: Mapping[str, ProviderFactory],
) -> Any:
    """Return a copy of the client that a plugin's provider posts through (Azure, Bedrock, Vertex)."""
    where = f"endpoint {endpoint.name}"
    provider = factories[endpoint.api](endpoint, slots=1)
    client = provider.client if isinstance(provider, HttpProvider) else None
    # Bedrock's and Vertex's classes do not derive from the SDK's own, but from what it derives from.
    if not isinstance(client, _class_of(sdk, is_async=True)[0].__base__):
        raise UsageError(
            f"the API {endpoint.api!r} of a plugin has no client of the {sdk} SDK",
            where=where,
            fix="use the fixture `model`, or the client that its provider posts through",
        )
    if is_async:
        return client.with_options(http_client=http_client, max_retries=0)
    try:
        return _blocking(client, http_client)
    except (_AsyncOnlyError, TypeError) as error:  # the SDK's own, for a middleware that is awaited
        raise UsageError(
            f"the API {endpoint.api!r} of a plugin has an async client only: {error}",
            where=where,
            fix='make the body `async def`, or let it make its client, with clients="adopt" in the mark',
        ) from None


class _AsyncOnlyError(Exception):
    """Says what of a client cannot be had in a blocking one."""


def _blocking(client: Any, http_client: httpx2.Client) -> Any:
    """Return the blocking client with all options of an async one.

    The SDKs have each class twice, with the same options under the same names, and a client's own copy passes
    them all on. So a blocking one that has them, and is good for nothing else, makes a true one.
    """
    kind = type(client)
    twin = getattr(sys.modules[kind.__module__], kind.__name__.removeprefix("Async"), kind)
    if twin is kind:
        raise _AsyncOnlyError(f"{kind.__name__} has no blocking twin")
    for name, value in vars(client).items():
        if name != _CHAIN and any(map(_is_awaited, value if isinstance(value, tuple | list) else (value,))):
            raise _AsyncOnlyError(f"its {name.strip('_')} is awaited")
    options = object.__new__(twin)
    vars(options).update(vars(client))
    return options.with_options(http_client=http_client, max_retries=0)


def _is_awaited(value: Any) -> bool:
    return iscoroutinefunction(value) or (callable(value) and iscoroutinefunction(type(value).__call__))
