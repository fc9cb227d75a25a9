"""Log probabilities as OpenAI's two APIs write them, and as compatible servers omit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from math import inf
from typing import Any

from pytest_velo.providers.wire import given
from pytest_velo.records import Request, TokenLogprob


def own_logprobs(listed: Sequence[Mapping[str, Any]], n_tokens: int | None) -> tuple[TokenLogprob, ...]:
    """Return the tokens whose numbers are certainly their own.

    llama.cpp, the only server that gives the tokens' ids, lists the tokens of one character as one, with the
    numbers of the last, and leaves out those of a character that is cut. If it lists fewer tokens than it
    generated, this may have begun at the first token that is not plain ASCII.

    Args:
        listed: The tokens of a choice's `logprobs`.
        n_tokens: How many the server says it generated; None if it does not say.

    Raises:
        KeyError, TypeError: They are not such a list.
    """
    tokens = read_logprobs(listed)
    if len(tokens) == n_tokens or not any("id" in token for token in listed):
        return tokens
    return tuple(takewhile(lambda token: token.token.isascii(), tokens))


def read_logprobs(tokens: Any) -> tuple[TokenLogprob, ...]:
    """Return the tokens of OpenAI's `logprobs` lists, as both of its APIs write them; none for None.

    Raises:
        KeyError, TypeError: They are not such lists.
    """
    return tuple(
        TokenLogprob(
            token=_text(token["token"]),
            logprob=_logprob(token["logprob"]),
            top=_alternatives(token.get("top_logprobs") or ()),
        )
        for token in tokens or ()
    )


def _alternatives(listed: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    top: dict[str, float] = {}
    for other in listed:
        # Parts of a character share a text; the most probable of them comes first and stands for it.
        top.setdefault(_text(other["token"]), _logprob(other["logprob"]))
    return top


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a token is {type(value).__name__}")
    return value


def _logprob(value: Any) -> float:
    if not isinstance(value, int | float) or not value < inf:  # nor is NaN
        raise TypeError(f"a log probability is {type(value).__name__}")
    return float(value)


def dropped_logprobs(request: Request, text: str, read: Sequence[TokenLogprob]) -> tuple[str, ...]:
    """Return the entry for `not_honoured` if log probabilities are missing.

    Servers mostly omit them silently. For a text that does not begin with ASCII, llama.cpp may list nothing
    although it supports them.

    Args:
        request: What was asked.
        text: The reply's text.
        read: The tokens that were listed.
    """
    asked = given(request, "logprobs") is not None
    return ("logprobs",) if asked and text and text[0].isascii() and not read else ()
