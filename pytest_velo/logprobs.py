"""Probabilities from one reply: what a model might have said at a token, apart from what it did say.

The provider's numbers are used as they are: probability it does not list is reported, and never
redistributed over the tokens it lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, exp, fsum, inf
from typing import Any

from pytest_velo.errors import BodyError, InvalidTrial

MAX_HIDDEN = 0.01
"""How much probability may be unaccounted for before a trial is invalid: one percentage point."""
_MOST_LISTED = 20  # the most alternatives that providers return
_MOST_MASS = 1.001  # more is not a probability; less is single-precision rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """One generated token with its log probability (nats) and the alternatives the provider listed."""

    token: str
    logprob: float
    top: Mapping[str, float] = field(default_factory=dict)


class Probability(float):
    """A probability from 0 to 1, with what the provider left out.

    Attributes:
        missing: Probability of all tokens that the provider did not list, from 0 to 1.
        hidden: How much uncounted probability could belong to the variants, from 0 to 1: the truth lies
            between the number itself and `upper`. 0 if every spelling of every variant is listed.
    """

    __slots__ = ("hidden", "missing")

    missing: float
    hidden: float

    def __new__(cls, value: float, *, missing: float = 0.0, hidden: float = 0.0) -> Probability:
        """Create it from a number from 0 to 1."""
        made = super().__new__(cls, value)
        made.missing = missing
        made.hidden = hidden
        return made

    @property
    def upper(self) -> float:
        """The most the probability can be, at most 1.

        >>> Probability(0.25, missing=0.5, hidden=0.125).upper
        0.375
        """
        return min(1.0, float(self) + self.hidden)

    def __repr__(self) -> str:
        return f"Probability({float(self):.6g}, missing={self.missing:.3g}, hidden={self.hidden:.3g})"

    def __str__(self) -> str:
        return float.__repr__(self)

    def __getnewargs_ex__(self) -> tuple[tuple[float], dict[str, Any]]:
        return (float(self),), {"missing": self.missing, "hidden": self.hidden}


def probability(
    tokens: Sequence[TokenLogprob],
    variants: Sequence[str],
    *,
    position: int = 0,
    max_hidden: float = MAX_HIDDEN,
) -> Probability:
    """Return the probability that one token is, exactly, one of `variants`.

    A variant means two tokens: itself and itself after one space, because many tokenizers write words
    that way. Nothing else is folded: case, other white space and punctuation count. A variant that begins
    with a space means only itself.

    A token that is not listed counts as 0, and cannot be more probable than the least probable listed
    alternative. `hidden` adds up that much for each unlisted spelling, plus the probability of listed
    tokens that such a spelling begins with; at most 1 in total.

    Args:
        tokens: The reply's tokens, from its first.
        variants: Texts of one token each, at least one.
        position: Which token, from 0. A later one is conditional on the tokens before it.
        max_hidden: How much may be hidden, from 0 to 1.

    Raises:
        BodyError: An argument is invalid, the numbers are not probabilities, or a variant is known to be
            several tokens: it is two words, or the reply spells it that way.
        InvalidTrial: The reply has no such token, or more than `max_hidden` is hidden.

    >>> token = TokenLogprob(token="B", logprob=-1.2, top={"A": -0.7, "B": -1.2, " A": -3.0, " B": -5.0})
    >>> probability([token], ["A"])
    Probability(0.546372, missing=0.146, hidden=0)
    """
    _check(variants, position, max_hidden)
    if position >= len(tokens):
        raise InvalidTrial(
            f"prob(...) reads the token at position {position}, but the reply lists only {len(tokens)}"
        )
    token, listed = tokens[position], _listed(tokens[position])
    wanted = {way for variant in variants for way in spellings(variant)}
    unlisted = [way for way in wanted if way not in listed]
    begun = [text for text in listed if text not in wanted and _begins(text, unlisted)]
    value = min(1.0, fsum(listed[way] for way in wanted if way in listed))
    missing = max(0.0, 1.0 - fsum(listed.values()))
    most = _most(token, listed, missing, len(unlisted))
    hidden = min(1.0 - value, fsum([most, *(listed[text] for text in begun)]))
    _check_single(variants, tokens[position:], listed, max_hidden)
    if hidden > max_hidden:
        raise InvalidTrial(
            f"prob({', '.join(map(repr, variants))}) is between {value:.3g} and {value + hidden:.3g}: "
            f"{len(unlisted)} of its {len(wanted)} spellings are not among the {len(listed)} listed tokens"
            f"{', where they may begin with ' + ' or '.join(map(repr, begun)) if begun else ''} "
            f"({'' if len(token.top) >= _MOST_LISTED else 'ask for more, logprobs=20, or '}"
            f"allow it, max_hidden={ceil(hidden * 100) / 100:g})"
        )
    return Probability(value, missing=missing, hidden=hidden)


def check_given(tokens: Sequence[TokenLogprob], *, text: str, reasoning: str | None, refused: bool) -> None:
    """Check that a reply has log probabilities, and that they are those of its answer.

    Some servers list the tokens of the reasoning as well. `refused`: the provider returned none on request.

    Raises:
        BodyError: They were not requested, not returned, or begin with the reasoning.
        InvalidTrial: The reply is empty, or begins with a character that servers may not list.

    >>> check_given([TokenLogprob(token="A", logprob=-0.1)], text="A", reasoning=None, refused=False)
    >>> check_given([], text="A", reasoning=None, refused=True)
    Traceback (most recent call last):
        ...
    pytest_velo.errors.BodyError: logprobs= was set, but the provider returned none with this reply
      fix: leave stop= out, or claim a rate: a model without logprobs can only be sampled
    """
    if not tokens and refused:
        raise BodyError(
            "logprobs= was set, but the provider returned none with this reply",
            fix="leave stop= out, or claim a rate: a model without logprobs can only be sampled",
        )
    if not tokens and text and not text[0].isascii():
        raise InvalidTrial(
            "the reply has no log probabilities: logprobs= was not set, or the server lists none for a "
            "character of several tokens, with which this reply begins"
        )
    if not tokens and text:
        raise BodyError(
            "prob(...) reads log probabilities, but the reply has none",
            fix="request them: model(prompt, logprobs=20); a scripted model returns Reply(logprobs=...)",
        )
    if not tokens:
        raise InvalidTrial("the reply is empty: there is no token for prob(...) to read")
    if reasoning and not "".join(token.token for token in tokens).strip().startswith(text.strip()):
        raise BodyError(
            "the log probabilities belong to the model's reasoning, not to its answer",
            fix="turn reasoning off, or claim a rate of the answers",
        )


def spellings(variant: str) -> tuple[str, ...]:
    """Return the token texts that a variant matches.

    >>> spellings("A"), spellings(" A")
    (('A', ' A'), (' A',))
    """
    return (variant,) if variant[:1].isspace() else (variant, f" {variant}")


def _listed(token: TokenLogprob) -> dict[str, float]:
    """Return the probability of every listed token, including the generated one if known.

    Servers write about -9999 for "very unlikely": not a measurement, and its exponential is 0.
    """
    if not all(logprob < inf for logprob in (token.logprob, *token.top.values())):  # nor is NaN
        raise BodyError(
            f"the reply lists {token!r:.200}: these are not log probabilities",
            fix="request the model's own log probabilities; those of a scripted model are at most 0",
        )
    listed = {text: exp(min(0.0, logprob)) for text, logprob in token.top.items()}
    if own := exp(min(0.0, token.logprob)):
        listed.setdefault(token.token, own)
    if fsum(listed.values()) > _MOST_MASS:
        raise BodyError(
            f"the listed probabilities add up to {fsum(listed.values()):.3f}: they are not probabilities",
            fix="request the model's own log probabilities, without server settings that change them",
        )
    return listed


def _most(token: TokenLogprob, listed: Mapping[str, float], missing: float, n_unlisted: int) -> float:
    """Return the most probability that `n_unlisted` tokens can have together."""
    # Some servers list the generated token whatever its rank, so it is not a bound.
    others = [listed[text] for text in token.top if text != token.token]
    return min(missing, n_unlisted * min(others, default=1.0))


def _begins(text: str, spelled: Sequence[str]) -> bool:
    return bool(text) and any(way != text and way.startswith(text) for way in spelled)


def _check_single(
    variants: Sequence[str], tokens: Sequence[TokenLogprob], listed: Mapping[str, float], max_hidden: float
) -> None:
    """Refuse a variant of several tokens: no single token has its probability.

    A reply may spell a word in parts by chance. If its first token is very improbable, that proves nothing.
    """
    written = "".join(token.token for token in tokens)
    in_parts = listed.get(tokens[0].token, 0.0) > max_hidden
    for variant in variants:
        unlisted = [way for way in spellings(variant) if way not in listed]
        is_phrase = len(variant.split()) > 1 and len(unlisted) == len(spellings(variant))
        begun = [way for way in unlisted if in_parts and _begins(tokens[0].token, [way])]
        if is_phrase or any(written.startswith(way) for way in begun):
            raise BodyError(
                f"prob({variant!r}): this is several tokens, so no single token has its probability",
                fix="ask for one-token answers, such as A and B, or claim a rate",
            )


def _check(variants: Sequence[str], position: object, max_hidden: object) -> None:
    if not variants or not all(isinstance(variant, str) and variant.strip() for variant in variants):
        raise BodyError(
            f"prob(...) takes the tokens to add up, got {', '.join(map(repr, variants)) or 'none'}",
            fix='reply.prob("A"), or reply.prob("Yes", "yes"); write str(...) around a number',
        )
    if isinstance(position, bool) or not isinstance(position, int) or position < 0:
        raise BodyError(f"position={position!r} is not a token position", fix="position=0 is the first")
    if isinstance(max_hidden, bool) or not isinstance(max_hidden, int | float) or not 0 <= max_hidden <= 1:
        raise BodyError(f"max_hidden={max_hidden!r} is not a probability", fix="max_hidden=0.01 (0 to 1)")
