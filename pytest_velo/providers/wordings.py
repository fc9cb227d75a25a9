"""What the servers' errors say, in their own codes and words: one table for each meaning.

A status alone misleads: Groq sends a limit a minute as 413, xAI a filtered prompt as 403, Gemini a short wait
in the words that OpenAI uses for an empty account. `tests/unit/wire/errors.json` has whole bodies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


OVERFLOW_CODES = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "request_too_large"}
    | {"prompt_too_long"}
    | {"context_window_exceeded", "string_above_max_length", "1261"}  # the number is Zhipu's
)
OVERFLOW_WORDS = _any(
    r"maximum context length (?:is|of|was exceeded)\b",  # OpenAI, vLLM, OpenRouter, SGLang
    r"\d maximum context length",  # Mistral
    r"maximum context length: \d",  # Fireworks
    r"maximum prompt length is \d",  # xAI
    r"context(?:'s)? length (?:is|of) only \d",  # vLLM, LM Studio
    r"(?:longer|greater|larger) than the (?:maximum )?(?:model|context)(?:'s)?(?: context| maximum)? length",
    r"longer than the model's (?:maximum )?context length",  # SGLang, Together
    r"exceeds? (?:the|this|its) (?:model's )?(?:available |maximum )?context (?:size|length|window|limit)",
    r"exceeds? (?:the )?(?:model'?s? )?context (?:window|limit|length)",  # OpenAI, Anthropic, Vertex
    r"exceeds? (?:the )?max(?:imum)? context length",  # Ollama
    r"exceeded max context length",  # Ollama
    r"context (?:window|size|length)(?: has been)? exceed(?:s|ed)",  # MiniMax, llama.cpp
    r"contextwindowexceedederror",  # LiteLLM
    r"(?:prompt|input) (?:is|was) too (?:long|large)",  # Anthropic, Bedrock, Fireworks
    r"prompt too long",  # Ollama
    r"prompt exceeds (?:the )?(?:max|length|limit)",  # Zhipu
    r"too large for model with \d",  # Mistral
    r"input token count .*exceeds the maximum",  # Gemini
    r"prompt token count .*exceeds the limit",  # GitHub Copilot
    r"input tokens exceed",  # OpenAI, Groq
    r"exceeds? (?:the )?(?:maximum|max) (?:allowed )?(?:input|prompt|content)",  # OpenRouter, DeepInfra
    r"exceeds the model's max input",
    r"exceeded model token limit",  # Moonshot
    r"`inputs` must have less than",  # TGI
    r"`inputs` tokens \+ `max_new_tokens`",  # TGI
    r"reduce the length of the (?:messages|input|prompt)",  # OpenAI, Groq, Cerebras
    r"range of input length should be",  # Alibaba
    r"too many (?:input )?tokens: (?:total number of tokens in the prompt|size limit)",  # Cohere
    r"max_tokens must be at least 1, got -",  # vLLM: nothing is left for the reply
    r"string too long",  # OpenAI
)

FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
    | {"invalid_prompt"}
    | {"moderation_blocked", "moderation_error", "content_moderated"}
    | {"image_content_policy_violation"}
    | {"data_inspection_failed", "datainspectionfailed", "sensitivecontentdetected"}
    | {"cyber_policy_violation"}
    | {"inputtextsensitivecontentdetected", "outputtextsensitivecontentdetected"}
    | {"safety_violation"}
    | {"prohibited_content", "1301"}  # the number is Zhipu's
)
FILTER_WORDS = _any(
    r"content[ _-]?filter(?:ing|s|ed)?\b",  # Anthropic, Azure, Bedrock
    r"content management policy",  # Azure
    r"contentpolicyviolationerror",  # LiteLLM
    r"(?:potentially|possibly) violat(?:ing|es)",  # OpenAI
    r"violates? (?:our |the |openai's )?(?:usage|content|safety) (?:guidelines|polic)",  # xAI, OpenAI
    r"failed check: safety_check",  # xAI
    r"content exists risk",  # DeepSeek
    r"considered high risk",  # Moonshot
    r"inappropriate content",  # Alibaba
    r"rejected (?:as a result of|by) (?:our |the )?safety system",  # OpenAI
    r"violates? google's responsible ai",  # Vertex
    r"responsible ai practices",  # Vertex
    r"prohibited_content",  # Gemini
    r"(?:input|prompt|content|request|message)\b.{0,40}\b(?:was|been|is) (?:flagged|moderated)",  # OpenRouter
    r"blocked by (?:our |the |a )?(?:content|safety|guardrail|bedrock guardrail)",  # Bedrock
    r"new_sensitive",  # MiniMax
    r"limited access to this content for safety",  # OpenAI
    r"sensitive content",  # Volcengine
    r"敏感内容",  # Zhipu
)

ACCOUNT_CODES = frozenset(
    {"insufficient_quota", "billing_error", "billing_hard_limit_reached", "billing_not_active"}
    | {"insufficient_credits", "exceeded_current_quota_error", "insufficient_balance", "1113"}
)
ACCOUNT_WORDS = _any(
    r"credit balance is too low",  # Anthropic
    r"insufficient (?:credit|balance|fund|quota)",  # OpenRouter, DeepSeek
    r"requires more credits",  # OpenRouter
    r"used all available credits",  # xAI
    r"(?:spending|spend|usage|billing) (?:hard )?limits?\b",  # xAI, Anthropic
    r"monthly included credits",  # Hugging Face
    r"not (?:yet )?available for this subscription",  # Anthropic's long context
    r"trial key, which is limited to \d+ api calls / month",  # Cohere
    r"余额不足",  # Zhipu
    r"exceeded your current quota",  # OpenAI
)

LIMIT_CODES = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "rate_limit_reached_error", "rate_limited"}
    | {"ratelimitreached"}
    | {"resource_exhausted", "too_many_requests", "requests_limit_reached"}
    | {"tokens_limit_reached"}
    | {"request_quota_exceeded", "token_quota_exceeded", "too_many_tokens_error"}
    | {"limit_requests"}
    | {"throttlingexception", "throttling", "throttling.ratequota", "queue_exceeded", "1302"}
    | {"1305"}
)
LIMIT_WORDS = _any(
    r"tokens per min",
    r"requests per min",
    r"per[ -]minute",
    r"rate[ -]?limit(?:s|ed)? (?:reached|exceeded|hit)",
    r"(?:exceeded|reached|hit) .{0,60}rate limit",
    r"too many requests",
    r"resource (?:has been )?exhausted",
)
DAILY_WORDS = _any(
    r"per[ -]?day",  # OpenAI, Groq, OpenRouter, Bedrock; Gemini's quotaId `GenerateRequestsPerDay...`
    r"\b[rt]pd\b",  # Groq, Moonshot
    r"\bdaily\b",
    r"bymodelbyday",  # GitHub Models
    r"(?:per|/) ?month",
    r"\bmonthly\b",
)
PACIFIC_DAY = _any(r"perdayperproject", r"generativelanguage\.googleapis\.com")
NOTHING_ALLOWED = re.compile(r"\blimit: 0\b")  # Gemini, for a model outside the account's tier
TOO_LARGE_WORDS = _any(r"request too large for", r"request body too large for")  # OpenAI, Groq; GitHub Models
_LIMIT_AND_REQUEST = re.compile(r"limit:? ([\d,]+)(?:, used:? [\d,]+)?, requested:? ([\d,]+)")

LOADING_WORDS = _any(
    r"\bloading\b",  # llama.cpp, Hugging Face
    r"(?:warming|scaling|starting|spinning) up",  # Fireworks, Hugging Face, Modal
    r"scaling_up",
    r"scal(?:ed|ing) (?:to|from) zero",
    r"(?:model|server|engine|deployment)\b.{0,40}\b(?:is not ready|not ready yet|not yet ready)",
    r"still (?:initializing|being deployed)",
)
OVERLOADED_CODES = frozenset(
    {"overloaded_error", "engine_overloaded_error", "overloaded", "capacity_exceeded"}
)
OVERLOADED_WORDS = _any(
    r"overloaded",  # Anthropic, Gemini, TGI
    r"(?:no|at|over|out of|insufficient|exceeded).{0,20}capacity",
    r"capacity exceeded",  # Mistral, Groq
    r"high demand",
    r"server (?:is )?busy",  # Ollama, DeepSeek
    r"temporarily unavailable",
    r"queue is full",
    r"maximum pending requests",  # Ollama
)

UNKNOWN_MODEL_CODES = frozenset({"model_not_found", "invalid_model", "model_not_available"})
UNKNOWN_MODEL_WORDS = _any(
    r"\binvalid model(?: name)?\b",  # LiteLLM, Mistral
    r"\bmodel\b.{0,80}\b(?:not found|does not exist|is not available|isn't available)",  # xAI, OpenAI, vLLM
    r"\bunknown model\b",
    r"is not a valid model",  # OpenRouter
)

UNSUPPORTED_WORDS = _any(
    r"unsupported",
    r"(?:not|n't) support",  # OpenAI, LiteLLM
    r"not permitted",  # Mistral, Anthropic, FastAPI
    r"extra_forbidden",
    r"unknown (?:name|parameter|field)",  # Gemini, OpenAI
    r"unrecognized",
    r"unexpected (?:keyword|field|parameter)",
)

# What servers call the limit on a reply's tokens, in requests and in sentences.
_LIMIT_NAMES = r"max(?:_completion|_output|_new)?_?tokens|maxoutputtokens"
PREFERRED_LIMIT = re.compile(r"use ['\"`]?(max_completion_tokens|max_output_tokens)")
LIMIT_NAME = re.compile(rf"\b(?:{_LIMIT_NAMES})\b")
LIMIT_TOO_LARGE = _any(
    rf"(?:{_LIMIT_NAMES})\W{{1,3}}(?:is )?(?:too large|too high)",  # OpenAI, vLLM
    rf"(?:{_LIMIT_NAMES}): \d+ > \d+",  # Anthropic
    r"maximum allowed number of output tokens",  # Anthropic
    r"supports at most \d+ (?:completion|output) tokens",  # OpenAI
    rf"invalid '?(?:{_LIMIT_NAMES})'?",  # OpenAI, DeepSeek
    rf"range of (?:{_LIMIT_NAMES})",  # DeepSeek, Alibaba
    rf"(?:{_LIMIT_NAMES})\W{{1,3}}must be (?:less|smaller|between|in|at most|<|greater)",  # Groq, Anthropic
    rf"(?:{_LIMIT_NAMES}) value of \d+ but the supported range",  # Vertex
    r"maximum tokens you requested exceeds",  # Bedrock
    rf"requests with (?:{_LIMIT_NAMES}) > \d",  # Fireworks
    rf"(?:{_LIMIT_NAMES}) .{{0,20}}exceeds",
)
_PROMPTS_PART = _any(
    r"in the messages",
    r"in your prompt",
    r"of text input",
    r"input tokens",
    r"input length",
    r"`inputs` tokens",
    r"from the input",
    r"got -\d",
    r"prompt contains",
    r"\d \+ \d+ >",
)
_CONTEXT = _any(
    r"(?:maximum context length|context length) (?:is|of) (?:only )?(\d[\d,]*)",
    r"context limit: \d+ \+ \d+ > (\d+)",
    r"`max_new_tokens` must be <= (\d+)",
)


def context_tokens(text: str) -> int | None:
    """Return the size of the context that an error names, in tokens; None if it names none."""
    found = _CONTEXT.search(text)
    return int(next(filter(None, found.groups())).replace(",", "")) if found else None


def blames_the_limit(text: str, limit: int | None) -> bool:
    """Tell whether an error is about the limit on the reply's tokens, which fails every prompt alike.

    Args:
        text: What the server says, in lower case.
        limit: The limit that was sent; None for none.
    """
    context = context_tokens(text)
    if limit is not None and context is not None and limit >= context:
        return True  # no prompt at all would leave enough room
    return bool(LIMIT_TOO_LARGE.search(text)) and not _PROMPTS_PART.search(text)


def exceeds_the_limit(text: str) -> bool:
    """Tell whether one request asks for more than a whole minute's limit, so that no wait helps."""
    found = _LIMIT_AND_REQUEST.search(text)
    if found is None:
        return bool(TOO_LARGE_WORDS.search(text))
    limit, requested = (int(number.replace(",", "")) for number in found.groups())
    return requested > limit


def says(text: str, codes: Iterable[str], words: re.Pattern[str], known: frozenset[str]) -> bool:
    """Tell whether an error has one of the known codes, or says it in words."""
    return not known.isdisjoint(codes) or words.search(text) is not None
