"""Untrusted text in Markdown: it is shown and does nothing, on GitHub, on GitLab and in a mail about either.

A backslash does not stop all that these sites do with a text: they look for `@names`, `#123`, `:smile:` and
addresses after the Markdown has been read, but never inside of code. So a word is plain only where nothing
can be made of it, and anything else is code.
"""

from __future__ import annotations

import re
from html import escape

from pytest_velo.report.text import inline, neutralise, shorten

_OPERATORS = frozenset({">=", "<=", ">", "<", "=", "==", "-", "+", "/", "·", "->", "–", "—"})
"""Words that are nothing but these, with white space around them, open no tag and no list within a line."""

_OPENS = re.compile(r"\d+[.)]|[-+>]|=+")
"""Words that open a list, a quotation or a heading where a line, or the item of a list, begins with them."""

_BEFORE, _AFTER = "(\"'", ".,;:!?)\"'%"
"""Punctuation around a word that means nothing to anybody."""

# A number; words with an apostrophe, a hyphen or a slash between them; letters with full stops.
_LETTER = "[A-Za-z0-9\x80-\U0010ffff]"
_WORD = re.compile(
    r"[+-]?\d{1,3}(?:,\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?"
    rf"|{_LETTER}+(?:['/-]{_LETTER}+)*|[A-Za-z](?:\.[A-Za-z])+",
    re.ASCII,
)
# A commit's name, and the name of an issue in this or another tracker: `GH-12`, `PROJ-7`.
_NAMES_SOMETHING = re.compile(r"[0-9a-fA-F]{7,}|(?:[Gg][Hh]|[A-Z][A-Z0-9]+)-\d.*")


def prose(text: str, limit: int | None = None) -> str:
    r"""Return untrusted text for use within a line, a cell of a table too: words as words, all else as code.

    Use it behind the mark of a list, but never at the beginning of a line.

    Args:
        text: Newlines are shown as `\n`, and control characters as escapes.
        limit: Characters that are kept; None keeps all.
    """
    words = _PIECE.findall(inline(shorten(text, limit)))
    plain = [_is_plain(word) for word in words]
    if words and _OPENS.fullmatch(words[0]):
        plain[0] = False
    return " ".join(
        escape(word, quote=False) if as_it_is else _as_code(word)
        for word, as_it_is in zip(words, plain, strict=True)
    )


# `[0.09, 0.69]` and `mean(0, 10)` are each one piece, with what stands behind them.
_PIECE = re.compile(r"\[[^\s\[\]]*, [^\s\[\]]*\]\S*|\w+\([^\s()]*, [^\s()]*\)\S*|\S+")


def _as_code(word: str) -> str:
    """Return a word as code, without the punctuation around it."""
    core = word.lstrip("(").rstrip(".,;:") or word
    if core.endswith(")") and core.count(")") > core.count("("):
        core = core[:-1]
    start = word.index(core)
    marked = _MARKED.fullmatch(core)
    return f"{word[:start]}{_code(core if marked is None else marked[1])}{word[start + len(core) :]}"


_MARKED = re.compile(r"`(\w+)`")
"""A name that is marked as code already, as in our own notices."""


def _is_plain(word: str) -> bool:
    """Tell whether no reader makes more of a word than text."""
    core = word.lstrip(_BEFORE).rstrip(_AFTER)
    return word in _OPERATORS or bool(_WORD.fullmatch(core) and not _NAMES_SOMETHING.fullmatch(core))


def code(text: str) -> str:
    r"""Return untrusted text as code within a line, a cell of a table too."""
    return _code(inline(text))


def _code(safe: str) -> str:
    if not safe.strip():
        return f"`{safe or ' '}`"
    # A cell ends at `|`, in code too, and readers differ on what a backslash before it means.
    return "&#124;".join(_span(part) for part in safe.split("|"))


def _span(text: str) -> str:
    if not text:
        return ""
    fence = "`" * _fence_length(text, 1)
    needs_room = text[0] in "` " or text[-1] in "` "
    return f"{fence} {text} {fence}" if needs_room and text.strip() else f"{fence}{text}{fence}"


def block(text: str, language: str = "text") -> list[str]:
    """Return untrusted text as the lines of a block of code."""
    safe = neutralise(text)
    fence = "`" * _fence_length(safe, 3)
    return [f"{fence}{language}", *safe.split("\n"), fence]


def html(text: str) -> str:
    """Return untrusted text as code for a line of HTML, which Markdown does not read."""
    return f"<code>{escape(inline(text))}</code>"


def _fence_length(text: str, least: int) -> int:
    """Return a number of backticks that is no run of them in the text."""
    runs = {len(run) for run in re.findall("`+", text)}
    return max(least, max(runs, default=0) + 1)
