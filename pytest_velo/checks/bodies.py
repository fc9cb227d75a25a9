"""What a test's function names: the fields of cases it reads, and the texts it may send."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

MOST_TEXTS = 10_000
_DEEP = 4


def names_in(body: Callable[..., Any] | None) -> frozenset[str]:
    """Return the attributes, globals and texts that a function names, those of functions inside it too."""
    found: set[str] = set()
    for code in _codes(body):
        found.update(code.co_names)
        found.update(text for text in _texts_in(code.co_consts, _DEEP))
    return frozenset(found)


def texts_in(body: Callable[..., Any] | None) -> Iterator[str]:
    """Yield the texts that a function has: its own, and those of the globals and variables that it names.

    Of a list, a tuple or a dictionary the texts in it, of a function the texts it has itself. At most 10,000.
    """
    if body is None:
        return
    function = inspect.unwrap(body)
    names = {name for code in _codes(function) for name in code.co_names}
    known = {**getattr(function, "__globals__", {}), **closure_of(function)}
    values = [known[name] for name in sorted(names & known.keys())] + [*closure_of(function).values()]
    every = [code.co_consts for code in _codes(function)]
    for value in values:
        every += [code.co_consts for code in _codes(value)] if inspect.isfunction(value) else [value]
    for text, _ in zip(_texts_in(every, _DEEP), range(MOST_TEXTS), strict=False):
        yield text


def closure_of(function: Any) -> dict[str, Any]:
    """Return what a function uses of those around it, by name; nothing of what has no closure."""
    try:
        return dict(inspect.getclosurevars(function).nonlocals)
    except (TypeError, ValueError):
        return {}


def _codes(function: Any) -> Iterator[CodeType]:
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else function
    if isinstance(code, CodeType):
        yield code
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                yield from _codes(inner)


def _texts_in(value: Any, deep: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list) and deep:
        for part in value:
            yield from _texts_in(part, deep - 1)
    elif isinstance(value, dict) and deep:
        for part in value.values():
            yield from _texts_in(part, deep - 1)
