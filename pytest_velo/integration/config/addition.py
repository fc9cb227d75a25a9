"""Adding options to a project's ini file without changing anything else in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import iniconfig


def with_options(name: str, text: str, options: Mapping[str, str | Sequence[str]]) -> str | None:
    r"""Return the text of an ini file with options added; None if that cannot be done safely.

    What is set already stays. The result is read again: it is what the file said, and the options.

    Args:
        name: The file's name, which tells its format.
        text: All of it.
        options: Names and values; a list has a line for each in formats without lists.
    """
    try:
        before = _parsed(name, text)
        table = _table(name, before)
        have = _options(before, table)
        new = {option: value for option, value in options.items() if option not in have}
        if not new:
            return text
        added = _added(name, text, table, new)
        after = _parsed(name, added)
    except (ValueError, iniconfig.ParseError):  # tomllib's errors are ValueErrors
        return None
    return added if _is_addition(before, after, table, new) else None


def lines(name: str, options: Mapping[str, str | Sequence[str]]) -> list[str]:
    """Return options as lines of a file of that name."""
    return [_line(name, option, value) for option, value in options.items()]


def title(name: str, text: str = "") -> str:
    """Return the header of the table that pytest reads in a file: `[tool.pytest.ini_options]`."""
    try:
        return f"[{_table(name, _parsed(name, text))}]"
    except (ValueError, iniconfig.ParseError):
        return f"[{_default(name)}]"


def _line(name: str, option: str, value: str | Sequence[str]) -> str:
    """Return one option; no value of ours needs an escape."""
    if not name.endswith(".toml"):
        return f"{option} = {value if isinstance(value, str) else ' '.join(value)}"
    if isinstance(value, str):
        return f'{option} = "{value}"'
    items = ", ".join(f'"{each}"' for each in value)
    return f"{option} = [{items}]"


def _default(name: str) -> str:
    match name:
        case "pyproject.toml":
            return "tool.pytest.ini_options"
        case "setup.cfg":
            return "tool:pytest"
        case _:
            return "pytest"


def _parsed(name: str, text: str) -> dict[str, Any]:
    """Return what a file says, by table.

    Raises:
        ValueError: It is no TOML.
        iniconfig.ParseError: It is no ini file.
    """
    if name.endswith(".toml"):
        return tomllib.loads(text)
    return {section.name: dict(section.items()) for section in iniconfig.IniConfig(name, data=text)}


def _table(name: str, parsed: Mapping[str, Any]) -> str:
    """Return the name of the table that pytest reads."""
    ours = _options(parsed, "tool.pytest") if name == "pyproject.toml" else {}
    has_own = any(option != "ini_options" for option in ours)
    return "tool.pytest" if has_own else _default(name)


def _options(parsed: Mapping[str, Any], table: str) -> Mapping[str, Any]:
    for part in table.split("."):
        inner = parsed.get(part, {})
        if not isinstance(inner, Mapping):
            raise ValueError(f"{part} is no table")
        parsed = inner
    return parsed


def _added(name: str, text: str, table: str, new: Mapping[str, str | Sequence[str]]) -> str:
    """Return the text with lines below the table's header, or with a new table at its end."""
    end = "\r\n" if "\r\n" in text else "\n"
    block = end.join(lines(name, new)) + end
    header = re.compile(
        rf"^[ \t]*\[[ \t]*{re.escape(table)}[ \t]*\][ \t]*(?:[#;][^\r\n]*)?(?:\r?\n|\Z)", re.M
    )
    found = header.search(text)
    if found is not None:
        head = text[: found.end()]
        return (head if head.endswith("\n") else head + end) + block + text[found.end() :]
    gap = "" if not text else end if text.endswith("\n") else end * 2
    return f"{text}{gap}[{table}]{end}{block}"


def _is_addition(
    before: Mapping[str, Any], after: Mapping[str, Any], table: str, new: Mapping[str, str | Sequence[str]]
) -> bool:
    """Tell whether a file says what it said, and the new options beside it."""
    was, now = dict(_options(before, table)), dict(_options(after, table))
    added = {option: now.pop(option, None) for option in new}
    whole = {each: list(value) if not isinstance(value, str) else value for each, value in new.items()}
    flat = {each: value if isinstance(value, str) else " ".join(value) for each, value in whole.items()}
    return was == now and added in (whole, flat) and _without(before, table) == _without(after, table)


def _without(parsed: Mapping[str, Any], table: str) -> dict[str, Any]:
    """Return what a file says outside of a table, and outside of tables that are empty but for it."""
    head, _, rest = table.partition(".")
    kept = {name: value for name, value in parsed.items() if name != head}
    inner = _without(parsed.get(head, {}), rest) if rest else {}
    return {**kept, **({head: inner} if inner else {})}
