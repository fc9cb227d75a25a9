"""What a reply cost and what a call may cost at most, in dollars."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pytest_velo.providers.base import Provider
from pytest_velo.providers.wire import NEUTRAL_PARAMETERS, whole
from pytest_velo.records import FinishReason, JsonObject, Reply, Request, Usage
from pytest_velo.settings import Api, Endpoint

DEFAULT_OUTPUT_TOKENS = 4096
"""The longest reply that is assumed if the caller sets no limit.

Anthropic's API is then sent this limit; other APIs may exceed it, by as much as one round of calls in flight
before the budget notices.
"""
IMAGE_TOKENS = 50_000
"""The maximum assumed for an image of any size, and the minimum for a file."""

_OUTPUT_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NO_PROMPT = NEUTRAL_PARAMETERS | {"thinking"}  # counted separately, or not text
_IMAGES = ("image", "image_url", "input_image")
_FILES = ("file", "input_file", "document")
_MESSAGE_TOKENS = 8  # role and separators of one message
_TOOLS_TOKENS = 1_000  # the provider's own prompt around tool definitions
_LINEAR_TOKENS = 16_000  # price lists raise the price of long prompts from 32,000 tokens at the earliest
_PROBE = 1_000


class Priced:
    """A provider that adds to each reply what it cost."""

    def __init__(self, inner: Provider, endpoint: Endpoint) -> None:
        self._inner = inner
        self._endpoint = endpoint

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply with `cost_usd`; None if the price or the usage is unknown."""
        return priced(await self._inner.complete(request, seed), self._endpoint, request.model)

    async def aclose(self) -> None:
        """Close the provider."""
        await self._inner.aclose()


def priced(reply: Reply, endpoint: Endpoint, model: str, *, batch: bool = False) -> Reply:
    """Return a reply with what it cost; arguments as in `price_reply`."""
    if _was_rejected(reply):
        cost: float | None = 0.0
    else:
        cost = price_reply(endpoint, model, reply.usage, served=reply.model_served, batch=batch)
    return reply if cost == reply.cost_usd else replace(reply, cost_usd=cost)


def price_reply(
    endpoint: Endpoint, model: str, usage: Usage, *, served: str | None = None, batch: bool = False
) -> float | None:
    """Return the dollars of one reply; None if the price or the usage is unknown.

    A declared price wins, then `free`, then the price list of genai-prices as installed (it is never updated
    over the network).

    Args:
        endpoint: Where the reply comes from.
        model: The requested model's name.
        usage: Tokens; input includes cached input.
        served: The model's name as the provider gave it; looked up first.
        batch: It came from a batch: at the share of the price that the endpoint declares, else at the list's
            price of batches.
    """
    if endpoint.price is None and endpoint.free:
        return 0.0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    card = _find_card(endpoint, (model,) if served is None else (served, model), batch=batch)
    if card is None:
        return None
    return card.price(usage.input_tokens, usage.output_tokens, usage.cached_input_tokens or 0)


def worst_case(endpoint: Endpoint, request: Request, *, batch: bool = False) -> float | None:
    """Return dollars that the call will not exceed, alone or in a `batch`; None if the price is unknown.

    The prompt has at most as many tokens as bytes; the reply has at most as many as the caller's limit
    allows, else `DEFAULT_OUTPUT_TOKENS`.
    """
    if endpoint.price is None and endpoint.free:
        return 0.0
    card = _find_card(endpoint, (request.model,), batch=batch)
    return None if card is None else card.price(prompt_bytes(request), _output_bound(request), 0)


def prompt_bytes(request: Request) -> int:
    """Bound the prompt's tokens by its bytes, plus what the provider adds around them.

    A byte-level tokenizer uses at least one byte per token.
    """
    total = sum(_MESSAGE_TOKENS + _message_bytes(message) for message in request.messages)
    parameters = request.parameters
    if parameters.get("schema") is not None:
        total += _json_bytes(parameters["schema"])
    if parameters.get("tools"):
        total += _TOOLS_TOKENS + _json_bytes(parameters["tools"])
    own = (value for name, value in parameters.items() if name not in _NO_PROMPT)
    return total + sum(_json_bytes(value) for value in own if isinstance(value, str | list | tuple | Mapping))


def output_limit(request: Request) -> int | None:
    """Return the caller's limit on the reply's tokens, the largest of several; None without one."""
    limits = [whole(request.parameters.get(name)) or 0 for name in _OUTPUT_LIMITS]
    return max(limits) if max(limits) > 0 else None  # for some servers -1 means no limit


def n_draws(request: Request) -> int:
    """Return how many draws the call asks for, >= 1."""
    return max(1, whole(request.parameters.get("n")) or 1)


_Source = tuple[str | None, str | None, str, bool]
"""An entry of the price list: provider, address, model, and whether in a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """The price of one model per token.

    Attributes:
        source: The price list's entry, for very long prompts.
        share: Of that price, what is paid.
    """

    input_usd: float
    output_usd: float
    cached_usd: float
    source: _Source | None = None
    share: float = 1.0

    def price(self, n_input: int, n_output: int, n_cached: int) -> float | None:
        if self.source is not None and n_input > _LINEAR_TOKENS:
            listed = _list_price(*self.source, n_input=n_input, n_output=n_output, n_cached=n_cached)
            return None if listed is None else self.share * listed
        fresh = max(0, n_input - n_cached)
        whole = fresh * self.input_usd + n_cached * self.cached_usd + n_output * self.output_usd
        return self.share * whole


def _find_card(endpoint: Endpoint, models: Iterable[str], *, batch: bool) -> _Card | None:
    if batch and (share := endpoint.batch) is not None:
        alone = _find_card(endpoint, models, batch=False)
        return None if alone is None else replace(alone, share=share)
    if (price := endpoint.price) is not None:
        if batch:
            return None  # what of it a batch costs was not declared
        per_token = price.input_usd / 1e6
        return _Card(input_usd=per_token, output_usd=price.output_usd / 1e6, cached_usd=per_token)
    provider = None if endpoint.base_url else _listed_provider(endpoint)
    if provider is None and endpoint.base_url is None:
        return None
    cards = (_listed_card(provider, endpoint.base_url, model, batch=batch) for model in models)
    return next((card for card in cards if card is not None), None)


def _listed_provider(endpoint: Endpoint) -> str | None:
    """Return the price list's name for the SDKs' own servers."""
    match endpoint.api:
        case Api.OPENAI_CHAT | Api.OPENAI_RESPONSES:
            return "openai"
        case Api.ANTHROPIC:
            return "anthropic"
        case _:
            return None


@lru_cache(maxsize=1024)
def _listed_card(provider: str | None, url: str | None, model: str, *, batch: bool) -> _Card | None:
    """Read a model's prices from the list; looking them up per call would cost 150 µs."""
    source = (provider, url, model, batch)
    per_input = _list_price(*source, n_input=_PROBE, n_output=0, n_cached=0)
    per_output = _list_price(*source, n_input=0, n_output=_PROBE, n_cached=0)
    per_cached = _list_price(*source, n_input=_PROBE, n_output=0, n_cached=_PROBE)
    if per_input is None or per_output is None:
        return None
    if batch and per_input == _list_price(*source[:3], n_input=_PROBE, n_output=0, n_cached=0):
        return None  # the list has no price of batches for it, and gives the usual one instead
    return _Card(
        input_usd=per_input / _PROBE,
        output_usd=per_output / _PROBE,
        cached_usd=(per_input if per_cached is None else per_cached) / _PROBE,
        source=source,
    )


def _list_price(
    provider: str | None,
    url: str | None,
    model: str,
    batch: bool = False,
    *,
    n_input: int,
    n_output: int,
    n_cached: int,
) -> float | None:
    """Ask the price list; None if it does not know the model."""
    import genai_prices  # weight: the price list

    usage = genai_prices.Usage(input_tokens=n_input, output_tokens=n_output, cache_read_tokens=n_cached)
    try:
        context = {"processing": "batch"} if batch else None
        if url is None:
            found = genai_prices.calc_price(usage, model, provider_id=provider, price_context=context)
        else:
            found = genai_prices.calc_price(usage, model, provider_api_url=url, price_context=context)
    except (LookupError, ValueError):
        return None
    return float(found.total_price)


def _was_rejected(reply: Reply) -> bool:
    """Tell whether the provider rejected the request with an HTTP error, which is not billed."""
    rejections = (FinishReason.CONTENT_FILTER, FinishReason.CONTEXT_OVERFLOW)
    status = reply.raw.get("status")
    return reply.finish_reason in rejections and isinstance(status, int) and status >= 400


def _output_bound(request: Request) -> int:
    parameters = request.parameters
    if request.path and request.path.endswith("/embeddings"):
        return 0
    limit = output_limit(request)
    if limit is None:
        limit = DEFAULT_OUTPUT_TOKENS + _thinking_tokens(parameters)  # they come on top of the reply
    return limit * n_draws(request)


def _thinking_tokens(parameters: JsonObject) -> int:
    """Return the thinking budget; Anthropic's own parameter overrides `effort`, as on the wire."""
    thinking = parameters.get("thinking")
    known = thinking if isinstance(thinking, Mapping) else {"budget_tokens": parameters.get("effort")}
    return whole(known.get("budget_tokens")) or 0


# Of a sound, per token at least: at 8 kbit/s and 32 tokens a second (Gemini's; OpenAI's models take 10) it is
# 31. What is usual has many times more, which makes up for the higher price of such tokens.
_SOUND_BYTES = 25
_UNCOUNTED = ("role", "content", "tool_call_id")  # a few tokens, or counted as what they are


def _message_bytes(message: JsonObject) -> int:
    content = message.get("content")
    if isinstance(content, str):
        total = _text_bytes(content)
    else:
        total = sum(_part_bytes(part) for part in content or ())
    extras = [value for name, value in message.items() if value and name not in _UNCOUNTED]
    return total + sum(map(_json_bytes, extras))


def _part_bytes(part: JsonObject) -> int:
    text = part.get("text")
    if isinstance(text, str):
        return _text_bytes(text)
    kind = part.get("type")
    if kind in _IMAGES:
        return IMAGE_TOKENS
    if kind == "audio" and isinstance(n_bytes := part.get("n_bytes"), int):
        return n_bytes // _SOUND_BYTES + IMAGE_TOKENS
    source = part.get("source")
    is_text = isinstance(source, Mapping) and source.get("type") in ("text", "content")
    # A file may be named by its address only, which does not tell its size.
    return max(IMAGE_TOKENS, _json_bytes(part)) if kind in _FILES and not is_text else _json_bytes(part)


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _json_bytes(value: Any) -> int:
    # Escaped to ASCII, which no encoding of the same value undercuts.
    return len(json.dumps(value, default=str))
