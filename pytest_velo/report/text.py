"""Model output is untrusted text: what a terminal or a CI log would act on is shown, never sent.

Order of work: cut (on the raw characters, so that the count refers to them), escape, wrap, and break the
workflow commands line by line, because wrapping can move a `::` to the start of a line.
"""

from __future__ import annotations

import re
import unicodedata

# C0 (but newline and tab), DEL, C1, then what is invisible or reorders the line: soft hyphen, bidi
# marks, embeddings, overrides and isolates, zero-width spaces, line and paragraph separators, BOM,
# interlinear marks, lone surrogates and the tag characters that smuggle text. ZWJ and ZWNJ stay: emoji
# and Persian are written with them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# GitHub's runner strips white space before it looks for `::`, and finds `##[` anywhere in a line;
# Azure's and TeamCity's markers are of the second kind.
_COMMAND_AT_START = re.compile(r"^([^\S\n]*)::", re.MULTILINE)
_COMMAND_ANYWHERE = re.compile(r"##(?=\[|vso\[|teamcity\[)")

_TAB_WIDTH = 4
_WINDOW = 8  # characters looked at for each column: several may share one


def visible(text: str) -> str:
    r"""Show control characters, ANSI escapes and bidi overrides as visible escapes.

    Newlines and tabs stay, and `\r\n` counts as a newline.
    """
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def defuse(text: str) -> str:
    r"""Break the workflow commands that CI runners obey when they read a log."""
    return _COMMAND_AT_START.sub(r"\1\\::", _COMMAND_ANYWHERE.sub(r"#\\#", text))


def neutralise(text: str) -> str:
    r"""Return `text` so that neither a terminal nor a CI runner acts on it; newlines and tabs stay.

    Source: ECMA-48 (control sequences), UAX #9 (reordering), the workflow commands of GitHub Actions,
    the logging commands of Azure Pipelines and the service messages of TeamCity.
    """
    return defuse(visible(text))


def shorten(text: str, limit: int | None) -> str:
    """Cut the middle out of a text longer than `limit` characters (None for no limit), and say how much."""
    if limit is None or len(text) <= limit:
        return text
    head = (limit + 1) // 2
    tail = limit - head
    n_cut = len(text) - limit
    things = "character" if n_cut == 1 else "characters"
    return f"{text[:head]} [... {n_cut:,} {things} cut ...] {text[len(text) - tail :]}"


def inline(text: str, width: int | None = None) -> str:
    r"""Return untrusted text for use within one line: newlines and tabs are escaped too.

    The middle is cut to fit `width` columns (at least 4; None for no limit).
    """
    safe = neutralise(re.sub(r"[\n\t]", lambda m: _NAMED[m[0]], text.replace("\r\n", "\n")))
    if width is None or columns(safe) <= width:
        return safe
    head = _fit(safe, (width - 2) // 2)
    tail = _fit(safe[::-1], width - 3 - columns(safe[:head]))
    return f"{safe[:head]}...{safe[len(safe) - tail :]}"


def columns(text: str) -> int:
    """Count the terminal columns of a one-line text: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH and character != _AS_EMOJI:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


_NO_WIDTH = ("Mn", "Me", "Cf")
"""Categories of what is drawn over the character before it, or not at all: accents, joiners."""
_AS_EMOJI = "\N{VARIATION SELECTOR-16}"
"""It makes the narrow character before it an emoji, which takes two columns."""


def pad(text: str, width: int) -> str:
    """Fill a one-line text with spaces up to `width` columns."""
    return text + " " * (width - columns(text))


def wrap(text: str, width: int) -> list[str]:
    r"""Break neutral text into lines of at most `width` columns (at least 8), keeping its line breaks.

    What a line goes on with is indented like its beginning, by at most a quarter of the width. No line of the
    result starts a workflow command, wherever the breaks fall.
    """
    lines: list[str] = []
    for line in _COMMAND_ANYWHERE.sub(r"#\\#", text).split("\n"):
        lines.extend(_wrap_line(line.expandtabs(_TAB_WIDTH), max(width, 8)))
    return lines


def _wrap_line(line: str, width: int) -> list[str]:
    pieces: list[str] = []
    start = 0
    margin, hang = "", " " * min(len(line) - len(line.lstrip(" ")), width // 4)
    while True:
        # A window, because a reply of a million characters may be one line.
        window = line[start : start + _WINDOW * width]
        command = _COMMAND_AT_START.match(window)
        piece = window if command is None else f"{command[1]}\\{window[command.end(1) :]}"
        end = _fit(piece, width - len(margin))
        if end == len(piece) and start + len(window) == len(line):
            return [*pieces, (margin + piece).rstrip(" ")]
        # A break at a space reads better, unless it leaves the line less than half full.
        space = piece.rfind(" ", end // 2, end + 1)
        end = space if space > 0 else end
        pieces.append((margin + piece[:end]).rstrip(" "))
        margin = hang
        start += end if command is None or end <= command.end(1) else end - 1
        while line.startswith(" ", start):
            start += 1


def _fit(text: str, width: int) -> int:
    """Return how many leading characters of `text` fit in `width` columns."""
    if text.isascii():
        return min(len(text), max(width, 0))
    used = 0
    for position, character in enumerate(text):
        used += _columns_of(character)
        if used > width:
            return position
    return len(text)


def display(text: str, width: int, *, limit: int | None = None) -> list[str]:
    r"""Return untrusted text as one or more lines that are safe to print: cut, escaped, wrapped and defused.

    Args:
        text: Text from a model, a data set or the user's code.
        width: Columns available, at least 8.
        limit: Maximum number of characters to keep; None keeps all.
    """
    return wrap(visible(shorten(text, limit)), width)
