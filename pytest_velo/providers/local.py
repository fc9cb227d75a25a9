"""The embedded model `local/smollm2-135m`: no key, no account, no network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from pytest_velo.errors import TransientError, UsageError, nearest
from pytest_velo.providers import openai_chat
from pytest_velo.providers.embedded import MAX_SLOTS, Embedded, embedded
from pytest_velo.providers.failures import read_failure, settle_failure
from pytest_velo.providers.wire import (
    NEUTRAL_PARAMETERS,
    beside,
    content_parts,
    given,
    n_alternatives,
    own_parameters,
    refuse_fields,
    sendable,
)
from pytest_velo.records import JsonObject, Reply, Request

PLAIN_SAMPLING = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
"""Sent by default: the model's own distribution, without the engine's filters."""
DEFAULT_MAX_TOKENS = 512
"""Sent if the caller gives no `max_tokens`, so that a rambling answer ends."""
_IGNORED = ("effort", "tools")  # it does not reason, and its prompt format has no place for tools
_FORMAT = "the embedded model's prompt format"
# fmt: off
_PARAMETERS = frozenset({
    "adaptive_decay", "adaptive_target", "add_generation_prompt", "cache_prompt", "chat_template_kwargs",
    "continue_final_message", "dry_allowed_length", "dry_base", "dry_multiplier", "dry_penalty_last_n",
    "dry_sequence_breakers", "dynatemp_exponent", "dynatemp_range", "frequency_penalty",
    "generation_prompt", "grammar", "id_slot", "ignore_eos", "json_schema", "logit_bias", "lora",
    "min_keep", "min_p", "mirostat", "mirostat_eta", "mirostat_tau", "n", "n_discard", "n_indent", "n_keep",
    "n_predict", "n_probs", "parallel_tool_calls", "parse_tool_calls", "post_sampling_probs",
    "presence_penalty", "reasoning_budget_tokens", "reasoning_format", "repeat_last_n", "repeat_penalty",
    "response_fields", "response_format", "return_tokens", "samplers", "seed", "t_max_predict_ms",
    "thinking_forced_open", "timings_per_token", "tool_choice", "top_k", "top_n_sigma", "typical_p", "user",
    "xtc_probability", "xtc_threshold",
})
# fmt: on
"""What llama.cpp's server reads, besides what has a neutral name."""
_RANDOM_SEED = 2**32 - 1  # the engine takes seeds of 32 bits, and this one as "draw a seed yourself"


def to_wire(request: Request, seed: int | None) -> dict[str, Any]:
    """Return the body of a chat completion for the embedded server.

    Its log probabilities are the model's own: a softmax over the whole vocabulary at temperature 1, before
    temperature, filters, `logit_bias`, penalties and the grammar of a `schema`.

    Source: llama.cpp, `tools/server/README.md`, POST /v1/chat/completions.

    Args:
        request: What to send.
        seed: Sent modulo 2**32 - 1, the value that the engine takes as "choose a random seed"; None for none.

    Raises:
        UsageError: A message has what the model's prompt format leaves out, a parameter is unknown to the
            engine, or probabilities after sampling are requested.
    """
    _refuse_untold(request)
    _refuse_unknown(request)
    body = PLAIN_SAMPLING | {"max_tokens": DEFAULT_MAX_TOKENS}
    body |= openai_chat.to_wire(
        _in_one_text(request), None if seed is None else seed % _RANDOM_SEED, limit_name="max_tokens"
    )
    if n_alternatives(request) is not None:
        body["top_logprobs"] = max(1, body["top_logprobs"])  # at 0 the server leaves the token's own out, too
        _refuse_filtered(request)
    return {name: value for name, value in body.items() if name not in ("reasoning_effort", "tools")}


def _in_one_text(request: Request) -> Request:
    """Join the parts of a prefill: the engine would put line breaks between them."""
    if not request.prefill:
        return request
    *others, last = request.messages
    return replace(request, messages=(*others, {**last, "content": request.prefill}))


def _refuse_untold(request: Request) -> None:
    """Refuse what the model's prompt format leaves out: all but roles and text."""
    for number, message in enumerate(request.messages):
        place = f"messages[{number}]"
        is_result = message["role"] == "tool"
        refuse_fields(request, place, ["role"] if is_result else [], _FORMAT, "say it in a user message")
        refuse_fields(request, place, beside(message, "role", "content"), _FORMAT)
        for part_number, part in enumerate(content_parts(message)):
            if part.get("type") != "text":
                raise UsageError(
                    "the embedded model reads text only",
                    where=f"model local/{request.model}",
                    fix="send text parts only",
                )
            refuse_fields(request, f"{place}.content[{part_number}]", beside(part, "type", "text"), _FORMAT)


def _refuse_unknown(request: Request) -> None:
    """Refuse parameters that the engine would ignore without a word."""
    for name in own_parameters(request):
        if name not in _PARAMETERS:
            raise UsageError(
                f"the embedded model's engine has no parameter `{name}`",
                where=f"model local/{request.model}",
                fix=nearest(name, [*NEUTRAL_PARAMETERS, *_PARAMETERS]),
            )


def _refuse_filtered(request: Request) -> None:
    if given(request, "post_sampling_probs"):
        raise UsageError(
            "post_sampling_probs=True replaces the model's log probabilities with those left after its"
            " filters",
            where=f"model local/{request.model}",
            fix="leave it out: logprobs= alone gives the model's own",
        )


def from_wire(body: JsonObject, request: Request, latency_s: float) -> Reply:
    """Return the reply in the embedded server's body.

    Args:
        body: The server's answer, in the format of chat completions.
        request: What was asked; anything in it that the model cannot do is named in `not_honoured`.
        latency_s: Seconds from sending to the whole reply.

    Raises:
        KeyError, IndexError, TypeError: The body is not such a reply.
    """
    reply = openai_chat.from_wire(body, request, latency_s)
    ignored = tuple(name for name in _IGNORED if given(request, name) is not None)
    return replace(reply, not_honoured=(*ignored, *reply.not_honoured))


class LocalProvider:
    """Answers with the embedded model, in its own worker threads.

    There are up to `slots` calls in flight; the server works on up to 4 at once.
    """

    def __init__(self, *, slots: int) -> None:
        self._slots = max(1, min(slots, MAX_SLOTS))
        self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix="velo-local")

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the embedded model's reply; equal requests and seeds get equal replies."""
        body = sendable(to_wire, request, seed)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, body, request)

    async def aclose(self) -> None:
        """Release the threads; the server stays, because it belongs to the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, body: dict[str, Any], request: Request) -> Reply:
        server = embedded(request.model, slots=self._slots)
        started = time.perf_counter()
        answer = _call(server, body)
        latency_s = time.perf_counter() - started
        error = answer.get("error")
        if isinstance(error, Mapping):
            failure = read_failure(int(error.get("code", 500)), {}, answer)
            return settle_failure(failure, request, latency_s)
        try:
            return from_wire(answer, request, latency_s)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as problem:
            raise TransientError(
                f"the embedded server's answer is not a reply ({problem!r})",
                kind="garbage",
                where=f"model local/{request.model}",
            ) from problem


def _call(server: Embedded, body: dict[str, Any]) -> JsonObject:
    """Return the server's answer; what the engine raises about a request comes back as its error body."""
    try:
        answer = server.engine.handle_chat_completions(body)
    except (ValueError, RuntimeError) as error:
        return {"error": {"code": 400, "message": str(error), "type": "invalid_request_error"}}
    return answer if isinstance(answer, Mapping) else {}
