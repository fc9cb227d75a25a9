"""Multiple choice: the options in a prompt, and which of them a reply or a label names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# At the beginning of a line `(A)`, `A)`, `A.` or `A:`, elsewhere `(A)`; likewise with digits.
_MARK = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?(?:\((?P<a>[A-Za-z]|\d\d?)\):?[ \t]*|(?P<b>[A-Za-z]|\d\d?)[.):][ \t]+)"
    r"|(?<=\s)\((?P<c>[A-Za-z]|\d\d?)\)[ \t]+",
    re.MULTILINE,
)
_MOST_OPTIONS = 26
_QUOTED_END = re.compile(r"""["'](?=\s*[,})\]])""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with options.

    Attributes:
        stem: What is asked: the text without its options.
        options: Their texts in the order in which they were sent, in lower case; no two are equal.
        marks: What each is called: `a`, `b`, … or `1`, `2`, ….
    """

    stem: str
    options: tuple[str, ...]
    marks: tuple[str, ...]

    def place_of(self, said: str) -> int | None:
        """Return the place, from 0, of the one option that a text names; None if none or several are."""
        text = _plain(said)
        for places in (self._led(text), self._marked(text), self._told(text), self._worded(text)):
            found = set(places)
            if found:
                return found.pop() if len(found) == 1 else None
        return None

    def _led(self, text: str) -> Iterator[int]:
        """Yield the option whose mark a text begins with; a bare `A` may be an article, so more is asked."""
        led = re.match(r"[\s\"'*]*(?:\((\w\d?)\)|(\w\d?)(?=[.):,*\"']|$))", text)
        if led:
            yield from self._places(led[1] or led[2])

    def _marked(self, text: str) -> Iterator[int]:
        for mark in re.findall(r"\((\w\d?)\)", text):
            yield from self._places(mark)

    def _told(self, text: str) -> Iterator[int]:
        for mark in re.findall(r"\b(?:answer|option|choice)(?: is)?:? [\"(]*(\w\d?)(?=[\s.),\"']|$)", text):
            yield from self._places(mark)

    def _worded(self, text: str) -> Iterator[int]:
        exact = [place for place, option in enumerate(self.options) if option == text]
        if exact:
            yield from exact
            return
        for place, option in enumerate(self.options):
            within_another = any(option != other and option in other for other in self.options)
            if not within_another and re.search(rf"(?<!\w){re.escape(option)}(?!\w)", text):
                yield place

    def _places(self, mark: str) -> Iterator[int]:
        if mark in self.marks:
            yield self.marks.index(mark)


def question_in(text: str) -> Question | None:
    """Return the last question with options in a text; None without any."""
    chain = _last_chain([*_MARK.finditer(text)])
    if len(chain) < 2:
        return None
    ends = [*(after.start() for after in chain[1:]), _line_end(text, chain[-1].end())]
    options = tuple(_plain(text[mark.end() : end]) for mark, end in zip(chain, ends, strict=True))
    if not all(options) or len(set(options)) < len(options):
        return None
    marks = tuple(_name(mark) for mark in chain)
    return Question(stem=text[: chain[0].start()] + text[ends[-1] :], options=options, marks=marks)


def without_options(text: str) -> str:
    """Return a text without the last options in it, also where it is a row as JSON or Python print it."""
    lines = _QUOTED_END.sub(r"\n\g<0>", text.replace("\\n", "\n"))
    question = question_in(lines)
    return text if question is None else question.stem


def sent(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return all texts of a request, one after the other."""
    return "\n\n".join(text for message in messages for text in _texts(message.get("content")))


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | tuple):
        for part in content:
            if isinstance(part, Mapping) and isinstance(part.get("text"), str):
                yield part["text"]


def _last_chain(found: list[re.Match[str]]) -> list[re.Match[str]]:
    """Return the last marks that follow each other: A, B, C or 1, 2, 3."""
    chain: list[re.Match[str]] = []
    best: list[re.Match[str]] = []
    for mark in found:
        if chain and _follows(_name(chain[-1]), _name(mark)) and len(chain) < _MOST_OPTIONS:
            chain.append(mark)
        else:
            chain = [mark] if _name(mark) in ("a", "1") else []
        if len(chain) > 1:
            best = chain
    return best


def _follows(before: str, after: str) -> bool:
    if before.isdecimal() and after.isdecimal():
        return int(after) == int(before) + 1
    return before.isalpha() and after.isalpha() and ord(after) == ord(before) + 1


def _name(mark: re.Match[str]) -> str:
    return str(mark["a"] or mark["b"] or mark["c"]).lower()


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
