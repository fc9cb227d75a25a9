"""A first claim about what models answered: something to put one's own in the place of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_velo.interactive.asking.answers import Answer, Answers
from pytest_velo.interactive.asking.inquiry import fields_of, split_fields
from pytest_velo.interactive.asking.source import literal
from pytest_velo.report.text import visible

_WORD = re.compile(r"[^\W_]+(?:[-'’.,][^\W_]+)*")
_MOST_WORDS = 5
_MOST_CHARACTERS = 60
_COMMON = 0.5  # share of the replies that a word must be in to be worth an assert
_ANSWER_FIELDS = ("answer", "target", "expected", "label", "solution", "gold")
_USUAL = (
    "the and for you are was were that this with have has had not but can will would could should from they"
    " their there here what which who when where how why its it's i'm also into than then them these those"
    " your our his her she him one all any some more most very just about of to in is it a an as at be by do"
    " he if me my no on or so up us we am did does answer assistant"
)
_USUAL_WORDS = frozenset(_USUAL.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A claim that fits what was seen.

    Attributes:
        belief: It in words, safe in a docstring.
        claim: It as a mark has it: `rate >= 0.5`.
        names: What it imports from the package.
        test: The statement that decides a trial.
        n: Answers that it was made of.
        n_for: How many of them it holds for.
        n_invalid: How many of them do not count; they were counted against it.
    """

    belief: str
    claim: str
    names: tuple[str, ...]
    test: str
    n: int
    n_for: int
    n_invalid: int


def suggest(replies: Answers, prompt_text: str) -> Suggestion:
    """Return a claim about the answer of a field, the most frequent answer, a word of most, or the length."""
    valid = [answer for answer in replies.answers if answer.reply is not None and not answer.invalid]
    told = _of_a_field(valid, prompt_text, replies) or _of_the_text(valid, prompt_text, replies)
    if told is not None:
        return told
    if valid:
        most = max(len(answer.text.split()) for answer in valid)
        limit = max(10, -(-most // 10) * 10)
        belief = f"The model uses at most {limit} words."
        return _suggestion(belief, f"len(reply.text.split()) <= {limit}", len(valid), replies)
    return _suggestion("The model says yes.", 'reply.answers("yes")', 0, replies)


def _suggestion(belief: str, condition: str, n_for: int, replies: Answers) -> Suggestion:
    n = len(replies.answers)
    share = n_for / n if n else 0.0
    floor = _floor(share)
    claim = "estimate(rate, halfwidth=0.1)" if floor is None else f"rate >= {floor}"
    return Suggestion(
        belief=belief,
        claim=claim,
        names=("rate",) if floor is not None else ("estimate", "rate"),
        test=f"assert {condition}",
        n=n,
        n_for=n_for,
        n_invalid=len(replies.invalid),
    )


def _floor(share: float) -> float | None:
    """Return a threshold clearly below an observed share; None where there is no room for one."""
    tenths = int((share - 0.15) * 10 + 1e-9)
    return tenths / 10 if tenths >= 1 else None


def _of_a_field(valid: Sequence[Answer], prompt: str, replies: Answers) -> Suggestion | None:
    """Claim that replies answer with a field of their case that the prompt does not show."""
    if not valid or not fields_of(valid[0].case) or valid[0].case is None:
        return None
    shown = set(split_fields(prompt)[1::2])
    fields: Mapping[str, Any] = fields_of(valid[0].case)
    free = [name for name in fields if name not in (*shown, "id", "case") and name.isidentifier()]
    counts = {name: sum(_answers(answer, name) for answer in valid) for name in free}
    named = [name for name in _ANSWER_FIELDS if name in counts]
    best = named[0] if named else max(counts, key=lambda name: counts[name], default=None)
    if best is None or (not named and counts[best] < _COMMON * len(valid)):
        return None
    access = f"case.{best}" if best.isascii() else f"case[{literal(best)}]"
    is_text = all(isinstance(fields_of(answer.case).get(best), str) for answer in valid)
    belief = f"The model gives the {best} of the case." if best.isascii() else "The model gives the answer."
    return _suggestion(
        belief, f"reply.answers({access if is_text else f'str({access})'})", counts[best], replies
    )


def _answers(answer: Answer, name: str) -> bool:
    told = fields_of(answer.case).get(name)
    if not isinstance(told, str | int | float) or not str(told).strip() or answer.reply is None:
        return False
    return answer.reply.answers(str(told))


def _of_the_text(valid: Sequence[Answer], prompt: str, replies: Answers) -> Suggestion | None:
    texts = [answer.text for answer in valid]
    candidates = [text for text in (_short(_most_frequent(texts)), _common_word(texts, prompt)) if text]
    held = {
        candidate: sum(answer.reply is not None and answer.reply.answers(candidate) for answer in valid)
        for candidate in candidates
    }
    best = max(candidates, key=lambda candidate: held[candidate], default="")  # of equals the whole answer
    if not best or held[best] < _COMMON * len(valid):
        return None
    return _suggestion(f'The model answers "{best}".', f"reply.answers({literal(best)})", held[best], replies)


def _most_frequent(texts: Sequence[str]) -> str:
    alike = Counter(" ".join(text.casefold().split()) for text in texts)
    if not alike:
        return ""
    best = alike.most_common(1)[0][0]
    return next(text for text in texts if " ".join(text.casefold().split()) == best)


def _short(text: str) -> str:
    """Return a short answer without its quotes and its full stop; empty if it is long, or not plain text."""
    kept = text.strip().strip("\"'`*.!?,:;()[] “”‘’").strip()
    is_short = len(kept.split()) <= _MOST_WORDS and len(kept) <= _MOST_CHARACTERS
    return kept if is_short and _is_plain(kept) else ""


def _common_word(texts: Sequence[str], prompt: str) -> str:
    """Return the word that most replies have and the prompt has not; names and numbers before others."""
    asked = {word.casefold() for word in _WORD.findall(prompt)}
    spelled: dict[str, Counter[str]] = {}
    n_texts: Counter[str] = Counter()
    for text in texts:
        words = _WORD.findall(text)
        n_texts.update({word.casefold() for word in words})
        for word in words:
            spelled.setdefault(word.casefold(), Counter())[word] += 1
    known = [
        word
        for word, n in n_texts.items()
        if n >= _COMMON * len(texts)
        and word not in asked | _USUAL_WORDS
        and (len(word) >= 3 or word.isdigit())
        and _is_plain(word)
    ]
    if not known:
        return ""

    def rank(word: str) -> tuple[int, bool, int]:
        usual = spelled[word].most_common(1)[0][0]
        return n_texts[word], usual[0].isupper() or usual[0].isdigit(), len(word)

    best = max(known, key=rank)
    return spelled[best].most_common(1)[0][0]


def _is_plain(text: str) -> bool:
    """Tell whether a text may stand in a docstring as it is."""
    fits = text.isprintable() and visible(text) == text and not set('"\\{}') & set(text)
    return fits and bool(text) and bool(_WORD.match(text[0])) and bool(_WORD.match(text[-1]))
