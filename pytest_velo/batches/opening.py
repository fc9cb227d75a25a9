"""From an endpoint to its batch API."""

from __future__ import annotations

from pytest_velo import batches
from pytest_velo.batches.service import Service, why_unbatched
from pytest_velo.settings import Api, Endpoint


def open_service(endpoint: Endpoint) -> Service:
    """Return the batch API of an endpoint, importing what it needs only now.

    Raises:
        UsageError: It is not known to have one.
    """
    if (refusal := why_unbatched(endpoint)) is not None:
        raise refusal
    return (
        batches.AnthropicService(endpoint)
        if endpoint.api == Api.ANTHROPIC
        else batches.OpenAiService(endpoint)
    )
