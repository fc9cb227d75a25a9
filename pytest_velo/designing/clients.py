"""Where the clients `openai_client` and `anthropic_client` post."""

from __future__ import annotations

from collections.abc import Collection

from pytest_velo.designing.models import model_ids
from pytest_velo.designing.parameters import CLIENTS
from pytest_velo.designing.spec import Spec
from pytest_velo.errors import UsageError
from pytest_velo.providers.registry import resolve
from pytest_velo.providers.sdks import Sdk, speaks
from pytest_velo.settings import Api, Clients, Endpoint, Settings


def check_clients(uses: Collection[str], spec: Spec, settings: Settings) -> None:
    """Check that the clients that a test asks for can post to its models' endpoints.

    Raises:
        UsageError: There is no model; or one is scripted, or speaks the API of none of the clients; or the
            arms are models of several endpoints.
    """
    asked = [name for name in CLIENTS if name in uses]
    if not asked:
        return
    ids = model_ids(spec, settings)
    if not ids:
        raise UsageError(
            f"no model is set, so {asked[0]} has no endpoint to post to",
            fix=f'models=["openai/gpt-5-mini"] in {spec.taker}: the code may still name other models there',
        )
    endpoints = [resolve(model_id, settings.endpoints).endpoint for model_id in ids]
    for model_id, endpoint in zip(ids, endpoints, strict=True):
        if endpoint.api == Api.SCRIPTED:
            raise UsageError(
                f"{asked[0]} cannot post to the scripted model {model_id}, which has no server",
                fix='models=["local/smollm2-135m"] needs no key; or use the fixture `model`',
            )
        if not any(speaks(endpoint, CLIENTS[name]) for name in asked):
            other = next((name for name in CLIENTS if speaks(endpoint, CLIENTS[name])), "model")
            raise UsageError(
                f"{asked[0]} cannot post to {model_id}: the endpoint speaks {endpoint.api}",
                fix=f"use the fixture `{other}`, or name a model of another endpoint",
            )
    if spec.arms_are_models and len({endpoint.name for endpoint in endpoints}) > 1:
        raise UsageError(
            f"{asked[0]} posts to one endpoint, and the arms are models of several",
            fix=f'let the code make its own clients, with clients="adopt" in {spec.taker}',
        )


def adopts(spec: Spec, settings: Settings) -> bool:
    """Tell whether the calls of clients that a hypothesis's bodies make are draws."""
    chosen: Clients = spec.get("clients", settings.clients)
    return chosen is Clients.ADOPT


def client_endpoint(spec: Spec, settings: Settings, sdk: Sdk, chosen: str | None) -> Endpoint:
    """Return where an SDK's client posts: to the endpoint of the item's model if it speaks the SDK's API.

    A program that asks two providers takes a client of each: the other one goes to its SDK's own server.

    Args:
        spec: The item's marks, checked by `check_clients`.
        settings: The session's.
        sdk: The SDK.
        chosen: The model that the item was made for; None if it has the only one.
    """
    own = resolve(chosen or model_ids(spec, settings)[0], settings.endpoints).endpoint
    return own if speaks(own, sdk) else resolve(f"{sdk}/any", settings.endpoints).endpoint
