"""One reply of a model, as bodies see it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pytest_velo.errors import BodyError
from pytest_velo.logprobs import MAX_HIDDEN, Probability, TokenLogprob, check_given, probability

JsonObject = Mapping[str, Any]


class FinishReason(StrEnum):
    """Why a reply ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    CONTEXT_OVERFLOW = "context_overflow"
    PAUSED = "paused"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one reply; None if the provider does not report them. Output includes reasoning tokens."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_input_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One tool call the model requests; `arguments` is the JSON object it wrote, None if it is not one."""

    id: str
    name: str
    arguments: JsonObject | None
    arguments_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Reply:
    """One reply of a model. `in`, `==` with a string and `str()` work on its text.

    Attributes:
        text: The answer's text; empty when there is none.
        reasoning: The reasoning text; None if the provider does not show it.
        finish_reason: Why it ended.
        refused: The model declined, by the provider's own flag.
        parsed: The JSON value of the text if a schema was requested and the text parses; else None.
        logprobs: The generated tokens with their alternatives, if `logprobs=` requested them.
        cost_usd: Dollars; None, not 0, if the price or the usage is unknown.
        latency_s: Seconds from sending to the whole reply.
        model_served: The model id the provider says it used.
        fingerprint: The provider's system fingerprint.
        not_honoured: Requested parameters that the provider does not honour (`seed`, ...).
        blocks: The provider's own content blocks, for sending the turn back (thinking blocks).
        cached: The reply was read from the cache or a cassette.
        raw: The provider's whole reply.
    """

    text: str
    reasoning: str | None = None
    finish_reason: FinishReason = FinishReason.STOP
    refused: bool = False
    parsed: Any = None
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    usage: Usage = Usage()
    cost_usd: float | None = None
    latency_s: float | None = None
    model_served: str | None = None
    fingerprint: str | None = None
    not_honoured: tuple[str, ...] = ()
    blocks: tuple[JsonObject, ...] = ()
    cached: bool = False
    raw: JsonObject = field(default_factory=dict)

    def answers(self, *options: str) -> bool:
        """Tell whether the text contains one of `options` as whole words, ignoring case.

        Raises:
            BodyError: There is no option, or one is not a string, or is empty, which every text contains.

        >>> Reply(text="It is Lyon.").answers("lyon"), Reply(text="113").answers("13")
        (True, False)
        """
        if not options or not all(isinstance(option, str) and option.strip() for option in options):
            raise BodyError(
                f"answers(...) takes the strings to look for, got {', '.join(map(repr, options)) or 'none'}",
                fix='reply.answers("Lyon", "Lyons"); write str(...) around a number',
            )
        return any(
            re.search(rf"(?<!\w){re.escape(option.strip())}(?!\w)", self.text, re.IGNORECASE)
            for option in options
        )

    def prob(self, *variants: str, position: int = 0, max_hidden: float = MAX_HIDDEN) -> Probability:
        """Return the probability that the reply's first token is one of `variants`: for "A", `"A"` or `" A"`.

        It is taken from the provider's list and never renormalised; `.missing` is the probability of all
        unlisted tokens, and `.upper` the most the result can be. `pytest_velo.logprobs` explains what counts.

        Args:
            variants: Texts of one token each; case counts.
            position: Another token, from 0; its probability is conditional on the tokens before it.
            max_hidden: How far from `.upper` it may be, from 0 to 1.

        Raises:
            BodyError: `logprobs=` was not requested or not returned, or a variant is not a single token.
            InvalidTrial: The reply has no such token, or more than `max_hidden` is unknown.

        >>> token = TokenLogprob(token="A", logprob=-0.1, top={"A": -0.1, " A": -3.0})
        >>> Reply(text="A", logprobs=(token,)).prob("A")
        Probability(0.954624, missing=0.0454, hidden=0)
        """
        check_given(
            self.logprobs, text=self.text, reasoning=self.reasoning, refused="logprobs" in self.not_honoured
        )
        return probability(self.logprobs, variants, position=position, max_hidden=max_hidden)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Reply({self.text!r})"

    def __contains__(self, part: str) -> bool:
        return part in self.text

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Reply):
            return self is other or (self.text == other.text and self.raw == other.raw)
        return self.text == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)
