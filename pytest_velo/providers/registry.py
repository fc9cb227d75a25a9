"""From a model id to the provider that answers it: `openai/gpt-x` → endpoint and model → provider."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from pytest_velo.errors import UsageError, nearest
from pytest_velo.providers.base import Provider
from pytest_velo.providers.endpoints import is_address
from pytest_velo.providers.scripted import ScriptedProvider, find_script, script_name
from pytest_velo.records import JsonObject, Request
from pytest_velo.settings import BUILTIN_ENDPOINTS, Api, Endpoint

# The SDKs read these by themselves. They are read here instead, so that the address stands in the
# endpoint's identity and two servers never share draws.
_BASE_URL_ENV = {
    Api.OPENAI_CHAT: "OPENAI_BASE_URL",
    Api.OPENAI_RESPONSES: "OPENAI_BASE_URL",
    Api.ANTHROPIC: "ANTHROPIC_BASE_URL",
}


class ProviderFactory(Protocol):
    """What a plugin registers for a custom wire family (hook `pytest_velo_providers`)."""

    def __call__(self, endpoint: Endpoint, *, slots: int) -> Provider:
        """Return a provider for `endpoint` that takes up to `slots` calls at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One model at one endpoint."""

    endpoint: Endpoint
    model: str

    @property
    def id(self) -> str:
        """The model id as users write it."""
        return f"{self.endpoint.name}/{self.model}"

    def request(self, messages: Sequence[JsonObject], parameters: JsonObject | None = None) -> Request:
        """Return the request that sends `messages` to this model."""
        return Request(
            api=str(self.endpoint.api),
            endpoint=self.endpoint.identity,
            model=self.model,
            messages=tuple(messages),
            parameters=dict(parameters or {}),
        )


def resolve(model_id: str, endpoints: Iterable[Endpoint] = BUILTIN_ENDPOINTS) -> Target:
    """Split a model id into its endpoint and the model's name there.

    Args:
        model_id: `<endpoint>/<model>`; the model's part may contain further slashes.
        endpoints: The known endpoints; a later one replaces an earlier one with the same name.

    Raises:
        UsageError: The id has no endpoint, or an unknown one.
    """
    known = {endpoint.name: endpoint for endpoint in endpoints}
    name, slash, model = model_id.partition("/")
    if not slash or not name or not model:
        raise UsageError(
            f"{model_id!r} is not a model id", fix=f"write <endpoint>/<model>; endpoints: {', '.join(known)}"
        )
    if name not in known:
        raise UsageError(
            f"the model id {model_id!r} names the unknown endpoint {name!r}",
            fix=f"{nearest(name, known)}, or declare it under velo_endpoints",
        )
    return Target(endpoint=located(known[name]), model=model)


def located(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the address from the SDK's own environment variable, if it is set."""
    variable = _BASE_URL_ENV.get(endpoint.api) if isinstance(endpoint.api, Api) else None
    if variable is None or endpoint.declared or endpoint.base_url is not None:
        return endpoint
    address = os.environ.get(variable)
    if not address:
        return endpoint
    if not is_address(address):
        # It becomes a part of every draw's request, which cassettes carry into version control.
        raise UsageError(
            f"the environment variable {variable} must hold an http(s) address without credentials",
            where=f"endpoint {endpoint.name}",
            fix=f"export {variable}=https://host/v1, and the key in {endpoint.key_env}",
        )
    return replace(endpoint, base_url=address)


def check_access(target: Target) -> None:
    """Check, before any call, that everything a model needs on this machine is there.

    Raises:
        UsageError: A key variable is unset or contains what no header can carry, or the embedded model's
            parts are missing, or no reply is registered under that scripted name; the message says what to
            do.
    """
    if target.endpoint.key_env is not None:
        _check_key(target.endpoint.key_env, target)
    match target.endpoint.api:
        case Api.LOCAL:
            from pytest_velo.providers.embedded import check_installed  # weight

            check_installed(target.model)
        case Api.SCRIPTED:
            find_script(script_name(target.endpoint.name, target.model))
        case _:
            pass  # the server will say whether it knows the model


def _check_key(variable: str, target: Target) -> None:
    key = os.environ.get(variable)
    if not key:
        raise UsageError(
            f"the environment variable {variable} is not set",
            where=f"model {target.id}",
            fix=f"export {variable}=..., or use a model without a key such as local/smollm2-135m",
        )
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"the environment variable {variable} contains a line break or a character that"
            " cannot be part of a key",
            where=f"model {target.id}",
            fix=f"export {variable} again, as the provider shows it",
        )


def open_provider(
    endpoint: Endpoint, *, slots: int, factories: Mapping[str, ProviderFactory] | None = None
) -> Provider:
    """Return a provider for `endpoint`, importing what it needs only now.

    Args:
        endpoint: Where the model is.
        slots: Maximum number of calls in flight, >= 1.
        factories: Wire families from plugins, by name; they override those included here.

    Raises:
        UsageError: No provider speaks the endpoint's wire family.
    """
    factory = (factories or {}).get(endpoint.api)
    if factory is not None:
        return factory(endpoint, slots=slots)
    try:
        api = Api(endpoint.api)
    except ValueError:
        raise UsageError(
            f"no provider speaks {endpoint.api!r}",
            where=f"endpoint {endpoint.name}",
            fix=nearest(endpoint.api, [*map(str, Api), *(factories or {})]),
        ) from None
    return _opener(api)(endpoint, slots)


def load(api: Api | str) -> None:
    """Import the modules of a built-in wire family now, on this thread; do nothing for other families.

    pytest parses our modules to rewrite their asserts, and two threads that parse at the same time break
    Python 3.11 (`SystemError: AST constructor recursion depth mismatch`). So the collecting thread imports
    what the sampling loop will need.
    """
    if api in list(Api):
        _opener(Api(api))


def _opener(api: Api) -> Callable[[Endpoint, int], Provider]:
    """Return the function that opens a built-in provider."""
    match api:
        case Api.OPENAI_CHAT:
            from pytest_velo.providers import openai_chat  # weight: httpx2

            return lambda endpoint, slots: openai_chat.open_chat(endpoint, slots=slots)
        case Api.OPENAI_RESPONSES:
            from pytest_velo.providers import openai_responses  # weight: httpx2

            return lambda endpoint, slots: openai_responses.open_responses(endpoint, slots=slots)
        case Api.ANTHROPIC:
            from pytest_velo.providers import anthropic_messages  # weight: httpx2

            return lambda endpoint, slots: anthropic_messages.open_messages(endpoint, slots=slots)
        case Api.LOCAL:
            from pytest_velo.providers.local import LocalProvider  # weight: asyncio

            return lambda _, slots: LocalProvider(slots=slots)
        case Api.SCRIPTED:
            return lambda *_: ScriptedProvider()
        case _:
            assert_never(api)
