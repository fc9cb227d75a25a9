"""Forks of replies: the same request again, with a part of the reply kept, edited, and to be continued."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pytest_velo.errors import BodyError, InvalidTrial, UsageError, tell
from pytest_velo.providers.thoughts import thought_aloud
from pytest_velo.records import JsonObject, Reply, Request
from pytest_velo.sentences import Sentence
from pytest_velo.settings import Api, Endpoint, Prefill, Think


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a reply came about.

    Attributes:
        reply: The reply, as the body has it.
        request: What was sent.
        endpoint: Where to.
        again: Asks the same model in the same way, with other messages.
    """

    reply: Reply
    request: Request
    endpoint: Endpoint
    again: Callable[..., Any]


def fork(origins: Iterable[Origin], reply: Reply, at: Any, edit: Any, options: dict[str, Any]) -> Any:
    """Ask for a reply anew, from a sentence on; arguments and errors as in `Reply.fork`."""
    origin = next((origin for origin in origins if origin.reply is reply), None)
    if origin is None:
        raise _wrong("the reply is not one of this trial's", "fork what `model(...)` returned in this trial")
    kept, part = _kept(reply, at, edit)
    begun = _begun(origin, kept, part)
    request = origin.request
    before = request.messages[:-1] if request.prefill else request.messages
    return origin.again([*before, begun] if begun else list(before), **options)


def _kept(reply: Reply, at: Any, edit: Any) -> tuple[str, str]:
    """Return what is kept of the text or of the reasoning, edited, and of which of the two."""
    sentence = _sentence(reply, at)
    whole = reply.text if sentence.part == "text" else reply.reasoning or ""
    if whole[sentence.start : sentence.end] != sentence:
        raise _wrong("at= is a sentence of another reply", "at=reply.sentences[0], of this reply")
    before = whole[: sentence.start]
    if edit is None:
        return before.rstrip(), sentence.part  # the white space is the model's, too
    new = edit(sentence) if callable(edit) else edit
    if not isinstance(new, str):
        raise _wrong(
            f"edit= must be a text or a function that returns one, got {new!r}",
            'edit="…", or edit=lambda sentence: sentence.replace("4", "5")',
        )
    return before + new, sentence.part


def _sentence(reply: Reply, at: Any) -> Sentence:
    if isinstance(at, Sentence):
        return at
    if isinstance(at, bool) or not isinstance(at, int):
        raise _wrong(
            f"at= must be the number of a sentence or one of reply.sentences, got {at!r}", "at=2, or at=-1"
        )
    sentences = reply.sentences
    if not -len(sentences) <= at < len(sentences):
        n = len(sentences)
        has = f"{n} sentence{'' if n == 1 else 's'}"
        raise tell(InvalidTrial(f"the reply has {has}, and at={at} names none"))
    return sentences[at]


def _begun(origin: Origin, kept: str, part: str) -> JsonObject | None:
    """Return the model's own message that a fork continues; None if nothing is kept."""
    reply = origin.reply
    thought = reply.reasoning if part == "text" else kept
    hidden = any("thinking" in str(block.get("type")) for block in reply.blocks)
    if thought is None and not hidden:
        content = reply.prefill + kept
        return {"role": "assistant", "content": content} if content else None
    match _way_back(origin.endpoint):
        case "marks":
            content = thought_aloud(thought or "", kept if part == "text" else None)
            return {"role": "assistant", "content": content}
        case "field":
            content = reply.prefill + kept if part == "text" else ""
            return {"role": "assistant", "content": content, "reasoning_content": thought, "prefix": True}
        case None:
            raise _no_way_back(origin)


def _no_way_back(origin: Origin) -> UsageError:
    return tell(
        UsageError(
            "the API takes no reasoning back that was edited, or is to be continued",
            where=f"{origin.endpoint.name}, model {origin.request.model}",
            fix="if the server continues thoughts between <think> and </think>, declare think=strip on its"
            " endpoint; if it is DeepSeek's, prefill=prefix; else let the model reason in its text",
        )
    )


def _way_back(endpoint: Endpoint) -> Literal["marks", "field"] | None:
    """Return how reasoning is sent back to be continued: in the text, or in a field; None if not at all."""
    if endpoint.api == Api.SCRIPTED:
        return "field"
    if endpoint.api != Api.OPENAI_CHAT:
        return None
    if endpoint.prefill is Prefill.PREFIX:
        return "field"
    return "marks" if endpoint.think is Think.STRIP else None


def _wrong(what: str, fix: str) -> BodyError:
    return tell(BodyError(what, fix=fix))
