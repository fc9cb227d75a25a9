"""Styled lines of output, which can be printed without knowing their content."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, assert_never

from pytest_velo.report.text import display, inline, pad

UNWRAPPED = 1_000_000
"""The width for machines: no line is broken where the text has none."""

_LABEL = 11  # columns of the labels, e.g. `assistant  `


class Style(StrEnum):
    """The style of a line."""

    PLAIN = "plain"
    BOLD = "bold"
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"

    @property
    def markup(self) -> dict[str, bool]:
        """The keywords a terminal writer takes for this style: `{"red": True, "bold": True}`."""
        match self:
            case Style.PLAIN:
                return {}
            case Style.BOLD:
                return {"bold": True}
            case Style.DIM:
                return {"light": True}
            case Style.GOOD:
                return {"green": True}
            case Style.BAD:
                return {"red": True, "bold": True}
            case Style.WARN:
                return {"yellow": True}
        assert_never(self)


class Line(NamedTuple):
    """One line of output, without its newline."""

    text: str
    style: Style = Style.PLAIN


def block(
    label: str,
    text: str,
    width: int,
    style: Style = Style.PLAIN,
    *,
    limit: int | None = None,
    indent: int = 2,
) -> list[Line]:
    """Return a label with untrusted text next to it, wrapped under itself.

    Args:
        label: At most 10 columns.
        text: Cut to `limit` characters, escaped, wrapped to `width` columns.
        width: Columns of the terminal.
        style: The style of every line.
        limit: None keeps the whole text.
        indent: Columns before the label.
    """
    margin = " " * (indent + _LABEL)
    head = " " * indent + pad(inline(label, _LABEL - 1), _LABEL)
    first, *others = display(text, width - len(margin), limit=limit)
    return [Line(head + first, style), *(Line(margin + piece, style) for piece in others)]


def paragraph(text: str, style: Style, width: int) -> list[Line]:
    """Return untrusted text as lines of at most `width` columns (at least 10), all in one style.

    Every line after the first is indented, so that none of them passes for a line of pytest's.
    """
    first, *others = display(text, width - 2)
    indented = (piece if piece.startswith("  ") else f"  {piece}" for piece in others)
    return [Line(first, style), *(Line(piece, style) for piece in indented)]


def as_text(lines: Iterable[Line]) -> str:
    r"""Join lines without their styles."""
    return "\n".join(line.text for line in lines)


# Replacements have the same width, so that columns stay aligned, except `>=` and `<=`.
_PLAIN = str.maketrans({"✓": "+", "✗": "x", "–": "-", "·": "|", "≥": ">=", "≤": "<="})


def fit_encoding(text: str, encoding: str | None) -> str:
    """Replace our own symbols if the terminal's encoding (None counts as ASCII) lacks them."""
    try:
        "✓✗–·≥≤".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return text.translate(_PLAIN)
    return text


def fit_lines(lines: Iterable[Line], encoding: str | None) -> list[Line]:
    """Apply `fit_encoding` to every line; styles stay."""
    return [Line(fit_encoding(line.text, encoding), line.style) for line in lines]
