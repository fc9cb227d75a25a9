"""Asserts that never run: Python removes them from what it compiles under `-O` (PYTHONOPTIMIZE).

Pytest rewrites the asserts of test modules and conftests into plain `if`s, which stay. Those of other
modules, and of all modules under `--assert=plain`, are gone, and with them what could make a trial fail.
"""

from __future__ import annotations

import ast
import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pytest_velo.bodies.exceptions import is_library
from pytest_velo.bodies.shape import definition_of
from pytest_velo.errors import UsageError


def removed_asserts(body: Callable[..., Any]) -> UsageError | None:
    """Return the error of a body that leans on asserts which Python has removed; None if all are there.

    The functions that it calls by a global name are followed, as far as they are the user's own.
    """
    if not sys.flags.optimize:
        return None
    found = next((func for func in _followed(inspect.unwrap(body)) if _lost_its_asserts(func)), None)
    if found is None:
        return None
    return UsageError(
        f"the asserts in {found.__qualname__} never run: Python removes them under -O (PYTHONOPTIMIZE)",
        fix="start Python without -O, or return the outcome",
    )


def _lost_its_asserts(func: FunctionType) -> bool:
    node = definition_of(func)
    if node is None or not any(isinstance(found, ast.Assert) for found in ast.walk(node)):
        return False
    return not any(map(_raises_assertion_error, _codes(func.__code__)))


def _raises_assertion_error(code: CodeType) -> bool:
    """Tell whether a code object has an assert, as compiled by Python or as rewritten by pytest."""
    if "AssertionError" in code.co_names:
        return True
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_ASSERTION_ERROR":  # up to Python 3.13
            return True
        if step.opname == "LOAD_COMMON_CONSTANT" and "AssertionError" in step.argrepr:
            return True
    return False


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _followed(body: Callable[..., Any]) -> Iterator[FunctionType]:
    """Yield a function and the user's functions that it may call, each once."""
    waiting: list[Any] = [body]
    seen: set[FunctionType] = set()
    while waiting:
        called = waiting.pop()
        func = getattr(called, "__func__", called)
        if not isinstance(func, FunctionType) or func in seen:
            continue
        if seen and is_library(func.__code__.co_filename, ()):
            continue
        seen.add(func)
        yield func
        waiting += _called(func)


def _called(func: FunctionType) -> Iterator[Any]:
    names = {name for code in _codes(func.__code__) for name in code.co_names}
    for name in names:
        value = func.__globals__.get(name)
        if isinstance(value, ModuleType | type):
            yield from (vars(value)[other] for other in names if other in vars(value))
        else:
            yield inspect.unwrap(value) if callable(value) else value
