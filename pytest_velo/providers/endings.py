"""Why a reply ended, in every server's words: whole, cut, refused, filtered, or broken off.

A word that is not here counts as whole, and the test gets a notice (`checks.endings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_velo.errors import TransientError
from pytest_velo.records import FinishReason, Request

_WORDS: Mapping[FinishReason, set[str]] = {
    FinishReason.STOP: {"stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"}
    | {"load", "unload"},  # Ollama's, about the model
    FinishReason.LENGTH: {"length", "max_tokens", "max_output_tokens", "max_completion_tokens"}
    | {"max_new_tokens", "max_length"}
    # The context is full (Mistral, Cohere), which cuts a reply as a limit on its tokens does.
    | {"model_length", "token_limit", "error_limit"},
    FinishReason.TOOL_CALLS: {"tool_calls", "tool_call", "function_call", "tool_use"},
    FinishReason.REFUSAL: {"refusal"},
    FinishReason.CONTENT_FILTER: {"content_filter", "content_filtered", "guardrail_intervened", "sensitive"}
    | {"error_toxic"}
    # Gemini's, also through servers that pass them on.
    | {"safety", "recitation", "blocklist", "prohibited_content", "spii", "language", "model_armor"}
    | {"image_safety", "image_prohibited_content", "image_recitation", "malicious"},
    FinishReason.CONTEXT_OVERFLOW: {"model_context_window_exceeded"},
    FinishReason.PAUSED: {"pause_turn"},
}
_KNOWN = {word: finish for finish, words in _WORDS.items() for word in words}
# Nothing that the model said: half a reply of a server that broke, or gave the call up.
_BROKEN = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "user_cancel", "timeout", "failed"}
    | {"network_error", "insufficient_system_resource", "engine_overloaded", "rate_limit_exceeded"}
    | {"server_error"}
)


def ending(reason: Any, request: Request) -> FinishReason:
    """Return why a reply ended.

    Args:
        reason: The server's word for it, in any case; None where it gives none, which is a whole reply.
        request: What was asked, for the error.

    Raises:
        TransientError: The server broke off: there is no reply, and another attempt may bring one.
    """
    if reason is None or reason == "":
        return FinishReason.STOP
    # Gemini's OpenAI surface adds the cause: `content_filter: RECITATION`.
    word = str(reason).partition(":")[0].strip().lower().removeprefix("finish_reason_")
    if word in _BROKEN:
        raise TransientError(
            f"the server broke the reply off (finish reason {reason!r})",
            kind="server",
            status=200,
            where=f"{request.endpoint}, model {request.model}",
        )
    return _KNOWN.get(word, FinishReason.OTHER)
