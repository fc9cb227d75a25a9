"""What a plain assert said when it failed: Python tells its line, and nothing of the values in it.

Pytest rewrites the asserts of test modules so that they explain themselves. Those of notebooks and scripts
are as Python compiles them, so the line is read again, and the values of its plain names are looked up in
the frame that it failed in. Nothing is called or computed again.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

from pytest_velo.records import Reply

_MOST_VALUES = 4
_MOST_CHARACTERS = 200


def explained(error: BaseException) -> str:
    """Return what an assertion error says, or the assert that raised it with the values of its names."""
    if str(error) or isinstance(error, BaseExceptionGroup):
        return str(error)
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    statement = None if trail is None else _assert_at(trail)
    if trail is None or statement is None:
        return ""
    values = _values(statement.test, trail.tb_frame)
    return "\n".join([f"assert {ast.unparse(statement.test)}", *values])


def _assert_at(trail: TracebackType) -> ast.Assert | None:
    """Return the innermost assert around a line; None where its source cannot be read."""
    try:
        lines, first = inspect.getsourcelines(trail.tb_frame.f_code)
        source = "".join(lines)
        indented = source[:1].isspace()
        # Not dedented: a multi-line string may reach the margin, however far the code is indented.
        tree = ast.parse(f"if True:\n{source}" if indented else source)
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    at = trail.tb_lineno - first + 1 + indented
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and node.lineno <= at <= (node.end_lineno or node.lineno)
    ]
    return found[-1] if found else None


def _values(test: ast.expr, frame: FrameType) -> Iterator[str]:
    """Yield the values of the names in a test, as a frame has them: plain data and replies."""
    found = [node for node in ast.walk(test) if isinstance(node, ast.Name)]
    names = dict.fromkeys(node.id for node in sorted(found, key=lambda node: (node.lineno, node.col_offset)))
    shown = 0
    for name in names:
        text = _text(frame.f_locals, name)
        if text is not None and shown < _MOST_VALUES:
            shown += 1
            yield f"  where {name} = {text}"


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if isinstance(value, Reply):
        value = value.text
    if not isinstance(value, str | int | float | bool | list | tuple | dict | set):
        return None
    text = repr(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."
