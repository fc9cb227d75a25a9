"""Which SDK's clients speak to which endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pytest_velo.settings import Api, Endpoint

Sdk = Literal["openai", "anthropic"]

_SPOKEN: Mapping[Sdk, tuple[Api, ...]] = {
    "openai": (Api.OPENAI_CHAT, Api.OPENAI_RESPONSES, Api.LOCAL),
    "anthropic": (Api.ANTHROPIC, Api.LOCAL),
}


def speaks(endpoint: Endpoint, sdk: Sdk) -> bool:
    """Tell whether an SDK's client can post to an endpoint; a plugin's API may turn out to have none."""
    return endpoint.api in _SPOKEN[sdk] or endpoint.api not in list(Api)
