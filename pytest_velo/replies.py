"""One reply of a model, as bodies see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pytest_velo.errors import BodyError, InvalidTrial, tell
from pytest_velo.logprobs import MAX_HIDDEN, Probability, TokenLogprob, check_given, probability
from pytest_velo.mentions import mentions
from pytest_velo.sentences import Sentence, sentences_of

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
    """One tool call the model requests; `arguments` is the JSON object it wrote, None if it is not one.

    Some servers leave its `id` empty. A scripted model may leave it out, too.
    """

    id: str = ""
    name: str
    arguments: JsonObject | None
    arguments_text: str = ""

    @property
    def request(self) -> JsonObject:
        """The call as an entry of a message's `tool_calls`.

        >>> ToolCall(id="1", name="f", arguments={"a": 1}).request
        {'id': '1', 'name': 'f', 'arguments': {'a': 1}}
        """
        return {"id": self.id, "name": self.name, "arguments": self.arguments_text or self.arguments or ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool gave for a call.

    Attributes:
        call: The model's call.
        text: What the model is told.
        failed: There is no such tool, its arguments did not fit, or it raised a `ToolError`; `text` says so.
    """

    call: ToolCall
    text: str
    failed: bool = False

    @property
    def message(self) -> JsonObject:
        """The result as a message of a conversation.

        >>> call = ToolCall(id="c1", name="add", arguments={"a": 1, "b": 2})
        >>> ToolResult(call=call, text="3").message
        {'role': 'tool', 'tool_call_id': 'c1', 'content': '3'}
        """
        return {"role": "tool", "tool_call_id": self.call.id, "content": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A server's answer as an SDK's client is given it: JSON, or the events of a stream.

    Attributes:
        status: The HTTP status.
        headers: Those that an SDK reads.
        text: The body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Reply:
    """One reply of a model. `in`, `==` with a string and `str()` work on its text.

    Attributes:
        text: The answer's text; empty when there is none. After a prefill, the continuation only.
        prefill: The beginning of the answer that was sent, which `text` continues; empty without one.
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
        extras: Fields of the provider's message that go back with the turn as they came
            (`reasoning_content`, ...).
        cached: The reply was read from the cache or a cassette.
        raw: The provider's whole reply.
        original: The answer as it came, of a call that an SDK's client made; None otherwise.
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
    extras: JsonObject = field(default_factory=dict)
    prefill: str = ""
    cached: bool = False
    raw: JsonObject = field(default_factory=dict)
    original: Original | None = None

    @property
    def message(self) -> JsonObject:
        """The reply as a message of a conversation, with all that its API wants back.

        After a prefill it is the whole turn, and takes the place of the message that was begun.

        >>> Reply(text=" Lyon.", prefill="It is").message
        {'role': 'assistant', 'content': 'It is Lyon.'}
        """
        turn: dict[str, Any] = {"role": "assistant", "content": self.prefill + self.text}
        if self.tool_calls:
            turn["tool_calls"] = [call.request for call in self.tool_calls]
        if self.blocks:
            beside = all(_is_beside_the_text(block) for block in self.blocks)
            turn["blocks"] = list(self.blocks) if beside else _begun(self.prefill, self.blocks)
        return turn | self._extra_fields()

    def _extra_fields(self) -> dict[str, Any]:
        parts = self.extras.get("content")
        begun = {} if parts is None else {"content": _begun(self.prefill, parts)}
        return {**self.extras, **begun}

    def answers(self, *options: str) -> bool:
        """Tell whether the text contains one of `options` as whole words, ignoring case.

        An option that is denied right there is not one: "not at noon", "it isn't noon", "noon is wrong"; nor
        is a part of another number: 12 is not in "-12" or "12.5", but in "12.0". What is denied in other ways
        counts ("rather than noon", "I doubt that it is noon"), as do questions and quotations:
        `pytest_velo.mentions` has all that is seen. Where more must be understood, ask a judge.

        Raises:
            BodyError: There is no option, or one is not a string, or is empty, which every text contains.

        >>> Reply(text="It is Lyon.").answers("lyon"), Reply(text="113").answers("13")
        (True, False)
        >>> Reply(text="Not at noon.").answers("noon"), Reply(text="Not now, but at noon.").answers("noon")
        (False, True)
        """
        if not options or not all(isinstance(option, str) and option.strip() for option in options):
            raise tell(
                BodyError(
                    "answers(...) takes the strings to look for, got"
                    f" {', '.join(map(repr, options)) or 'none'}",
                    fix='reply.answers("Lyon", "Lyons"); write str(...) around a number',
                )
            )
        return any(mentions(self.text, option.strip()) for option in options)

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
        refused = "logprobs" in self.not_honoured
        try:
            check_given(self.logprobs, text=self.text, reasoning=self.reasoning, refused=refused)
            return probability(self.logprobs, variants, position=position, max_hidden=max_hidden)
        except (BodyError, InvalidTrial) as error:
            raise tell(error) from None

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences of the text; `pytest_velo.sentences` says where one ends.

        >>> Reply(text="7 + 5 = 12. So it is 12.").sentences
        ('7 + 5 = 12.', 'So it is 12.')
        """
        return sentences_of(self.text)

    @property
    def reasoning_sentences(self) -> tuple[Sentence, ...]:
        """The sentences of the reasoning; none if the provider does not show it."""
        return sentences_of(self.reasoning or "", "reasoning")

    def fork(
        self, *, at: int | Sentence, edit: str | Callable[[str], str] | None = None, **options: Any
    ) -> Any:
        """Let the model write the reply anew from one of its sentences on: `await` it in an async body.

        What stands before the sentence is sent as a prefill, so the result's `text` is what follows, and its
        `prefill` what was kept. Everything else is sent as it was for this reply.

        Args:
            at: The number of a sentence of the text, from 0 (from the end if negative), or one of
                `reply.sentences` or `reply.reasoning_sentences`.
            edit: What stands in its place: a text, or a function of the sentence. Without one, the model
                writes the sentence anew.
            **options: Keywords of the call that differ from this reply's.

        Raises:
            UsageError: The model's API cannot continue a text, or takes no reasoning back.
            BodyError: The reply was not made by a model of the running trial.
            InvalidTrial: The reply has no such sentence.
        """
        forker = _forker.get()
        if forker is None:
            raise BodyError("a reply was forked outside a running trial", fix="fork it inside the body")
        return forker(self, at, edit, options)

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


_Forker = Callable[[Reply, "int | Sentence", "str | Callable[[str], str] | None", dict[str, Any]], Any]
_forker: ContextVar[_Forker | None] = ContextVar("pytest_velo_forker", default=None)


def fork_with(forker: _Forker) -> None:
    """Let `forker` make the forks of replies in this context: a reply does not know where it came from."""
    _forker.set(forker)


def _is_beside_the_text(block: JsonObject) -> bool:
    """Tell whether a block is no part of a turn's content: OpenRouter's reasoning, an item of OpenAI's."""
    kind = str(block.get("type"))
    return kind.startswith("reasoning") or kind in ("message", "function_call")


def _begun(prefill: str, parts: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the parts of a turn with the prefill in front of its text."""
    if not prefill:
        return list(parts)
    place = next((place for place, part in enumerate(parts) if part.get("type") == "text"), None)
    if place is None:
        return [{"type": "text", "text": prefill}, *parts]
    whole = {**parts[place], "text": prefill + parts[place]["text"]}
    return [*parts[:place], whole, *parts[place + 1 :]]
