"""Python source as a person would write it: literals that hold any text, in the layout of `ruff format`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.report.text import visible

WIDTH = 88
_INDENT = "    "
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}


def literal(text: str) -> str:
    r"""Return a text as a string literal on one line, which hides nothing of it."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(character, quote) for character in text) + quote


def assigned(name: str, text: str) -> str:
    """Return the assignment of a text: on one line, as lines in triple quotes, or in pieces that fit."""
    line = f"{name} = {literal(text)}"
    if "\n" in text.strip("\n") and _is_plain(text):
        return f'{name} = """\\\n{text}"""'
    if len(line) <= WIDTH:
        return line
    pieces = [literal(piece) for piece in _pieces(text, WIDTH - len(_INDENT) - 2)]
    whole = literal(text)
    if len(pieces) == 1 or len(_INDENT + whole) <= WIDTH:
        fits = len(_INDENT + whole) <= WIDTH
        return f"{name} = (\n{_INDENT}{whole}\n)" if fits else line
    return "\n".join([f"{name} = (", *(_INDENT + piece for piece in pieces), ")"])


def value(given: Any, *, indent: int = 0, before: int = 0) -> str:
    """Return a value of plain types as source, over several lines where one is too short.

    Args:
        given: Texts, numbers, None, and lists and dicts of them.
        indent: Columns that its lines are indented by.
        before: Columns that are taken on its first line, and after it.

    Raises:
        UsageError: It has no source.
    """
    flat = _flat(given)
    if indent + before + len(flat) <= WIDTH or not isinstance(given, list | tuple | Mapping) or not given:
        return flat
    inner = indent + len(_INDENT)
    if isinstance(given, Mapping):
        items = [
            f"{_flat(name)}: {value(each, indent=inner, before=len(_flat(name)) + 3)}"
            for name, each in given.items()
        ]
        return _exploded("{", items, "}", indent)
    items = [value(each, indent=inner, before=1) for each in given]
    return _exploded(
        "(" if isinstance(given, tuple) else "[", items, ")" if isinstance(given, tuple) else "]", indent
    )


def call(head: str, arguments: Iterable[str], *, indent: int = 0) -> str:
    """Return a call: on one line, with its arguments on a line of their own, or with a line for each."""
    each = list(arguments)
    margin = " " * indent
    flat = f"{margin}{head}({', '.join(each)})"
    if len(flat) <= WIDTH and "\n" not in flat:
        return flat
    together = f"{margin}{_INDENT}{', '.join(each)}"
    if len(together) <= WIDTH and "\n" not in together:
        return f"{margin}{head}(\n{together}\n{margin})"
    return margin + _exploded(f"{head}(", each, ")", indent)


def _exploded(opening: str, items: Iterable[str], closing: str, indent: int) -> str:
    margin = " " * indent
    lines = [f"{margin}{_INDENT}{item}," for item in items]
    return "\n".join([opening, *lines, margin + closing])


def _flat(given: Any) -> str:
    match given:
        case str():
            return literal(given)
        case None | bool() | int():
            return repr(given)
        case float() if math.isfinite(given):
            return repr(given)
        case list():
            return f"[{', '.join(map(_flat, given))}]"
        case tuple():
            return f"({', '.join(map(_flat, given))}{',' if len(given) == 1 else ''})"
        case Mapping():
            return f"{{{', '.join(f'{_flat(name)}: {_flat(each)}' for name, each in given.items())}}}"
        case _:
            raise UsageError(
                f"{given!r} cannot be written into a test file",
                fix="use texts, numbers, lists and dicts, or write the test by hand",
            )


def _escaped(character: str, quote: str) -> str:
    if character == quote:
        return "\\" + character
    if character in _NAMED:
        return _NAMED[character]
    shown = visible(character)
    if shown == character and character.isprintable():
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _is_plain(text: str) -> bool:
    """Tell whether a text can stand in triple quotes as it is, and be read there."""
    if "\\" in text or '"""' in text or text.endswith('"'):
        return False
    lines = text.split("\n")
    return all(line.isprintable() and visible(line) == line and line == line.rstrip() for line in lines)


def _pieces(text: str, width: int) -> list[str]:
    """Break a text behind spaces into pieces whose literals are about `width` columns at most."""
    pieces = [""]
    for word in _words(text):
        if pieces[-1] and len(literal(pieces[-1] + word)) - 2 > width:
            pieces.append("")
        pieces[-1] += word
    return pieces


def _words(text: str) -> list[str]:
    """Split a text behind each space and each line's end; joined they are the text."""
    words, word = [], ""
    for character in text:
        word += character
        if character in " \n":
            words.append(word)
            word = ""
    return [*words, word] if word else words
