"""Static checks of a body at collection: can it fail at all, and how does it report its outcome?

Reading source is guessing at behaviour, so every doubt goes in the user's favour: a body is refused only if
nothing in it could make a trial fail. `never_failed` catches the rest after the run.
"""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_velo.bodies.calls import unknown_calls
from pytest_velo.canonical import digest
from pytest_velo.errors import UsageError

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFacts:
    """What a body's source says.

    Attributes:
        name: The function's name.
        location: `file:line`, relative to the working directory if the file is inside it.
        has_source: The source could be read; otherwise the flags below are False.
        is_async: Calling it gives a coroutine.
        is_generator: It yields, sync or async.
        is_lambda: It is a lambda.
        is_wrapped: It has a decorator, which may judge what it returns.
        has_assert: It has an assert, nested functions included.
        has_value_return: The body itself (nested functions excluded) has a `return` with a value.
        has_raise: It has a raise, nested functions included.
        unknown_calls: Called names other than builtins, our fixtures and their results; any may assert.
        constant: The one value that every path returns, as written; None if it is no such body.
    """

    name: str
    location: str
    has_source: bool
    is_async: bool
    is_generator: bool
    is_lambda: bool
    is_wrapped: bool
    has_assert: bool = False
    has_value_return: bool = False
    has_raise: bool = False
    unknown_calls: tuple[str, ...] = ()
    constant: str | None = None

    @property
    def can_fail(self) -> bool:
        """Something in it could give a trial another outcome, or its source does not tell."""
        return (
            not self.has_source
            or self.is_wrapped
            or self.has_assert
            or (self.has_value_return and self.constant is None)
            or self.has_raise
            or bool(self.unknown_calls)
        )


def read_body(func: Callable[..., Any], fixture_names: Collection[str] = ()) -> BodyFacts:
    """Read the facts of a test function or bound method.

    `fixture_names` are the names in its signature that are our own fixtures. They only decide which calls are
    unknown.
    """
    inner = inspect.unwrap(func)
    facts: dict[str, Any] = {
        "name": getattr(func, "__name__", type(func).__name__),
        "location": _location(inner),
        "is_async": inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func),
        "is_generator": inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func),
        "is_lambda": getattr(func, "__name__", "") == "<lambda>",
        "is_wrapped": inner is not func,
    }
    node = definition_of(inner)
    if node is None:
        return BodyFacts(has_source=False, **facts)
    nodes = [found for statement in node.body for found in ast.walk(statement)]
    return BodyFacts(
        has_source=True,
        **facts,
        has_assert=any(isinstance(found, ast.Assert) for found in nodes),
        has_raise=any(isinstance(found, ast.Raise) for found in nodes),
        has_value_return=any(map(_returns_value, _own_nodes(node))),
        constant=_constant(node),
        unknown_calls=unknown_calls(node, fixture_names),
    )


@lru_cache(maxsize=512)
def body_digest(func: Callable[..., Any]) -> str:
    """Return a digest of what a body does; empty if its source cannot be read.

    Name, marks, docstring, comments and layout do not count, so that a claim may be edited. Decorators and
    the functions it calls are not followed.
    """
    node = definition_of(inspect.unwrap(func))
    if node is None:
        return ""
    node.name = ""
    node.decorator_list = []
    has_docstring = ast.get_docstring(node, clean=False) is not None
    node.body[:has_docstring] = [ast.Pass()]  # in place of the docstring, if any
    return digest(ast.unparse(node))


def check_facts(facts: BodyFacts) -> UsageError | None:
    """Return what is wrong with a body, None if nothing is; the caller adds the place."""
    if facts.is_lambda:
        return UsageError(
            "a lambda cannot be a body: it has no name, no asserts and no docstring",
            fix="write `def test_...(...)` with an assert or a return",
        )
    if facts.is_generator:
        return UsageError(
            f"{facts.name} yields, so calling it runs none of its code",
            fix="return the outcome instead of yielding: one call of the body is one trial",
        )
    if facts.can_fail:
        return None
    if facts.constant is not None:
        return UsageError(
            f"{facts.name} returns {facts.constant} in every trial, whatever the model says",
            fix="return what the reply shows, e.g. `return reply.answers(...)`",
        )
    return UsageError(
        f"{facts.name} can never fail: it has no assert and returns no outcome",
        fix="write `assert reply.answers(...)`, or `return reply.answers(...)`",
    )


def never_failed(facts: BodyFacts, n_trials: int, n_none: int) -> str | None:
    """Return a warning if all trials that ran ended in None = 1 and the body shows no assert; else None."""
    if facts.has_assert or facts.has_raise or n_trials == 0:
        return None
    if facts.constant is not None:
        return (
            f"never seen to fail: all {n_trials} trials returned {facts.constant}, which is all the body"
            " can return; make sure that what it calls asserts something, or return the outcome"
        )
    if n_none < n_trials:
        return None
    return (
        f"never seen to fail: all {n_trials} trials ended without an outcome and count as 1; make sure that "
        "the body asserts something, or return the outcome"
    )


def _location(func: Callable[..., Any]) -> str:
    code = getattr(func, "__code__", None)
    if code is None:
        return ""
    path = code.co_filename
    if os.path.isabs(path):
        relative = os.path.relpath(path)
        path = path if relative.startswith(os.pardir) else relative
    return f"{path}:{code.co_firstlineno}"


def definition_of(func: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the parsed definition; None if it has no source of its own."""
    try:
        source = inspect.getsource(func)
        # Not dedented: a multi-line string may reach the margin, however far the code is indented.
        tree = ast.parse(f"if True:\n{source}" if source[:1].isspace() else source)
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    first = tree.body[0] if tree.body else None
    first = first.body[0] if isinstance(first, ast.If) else first
    return first if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a body without the functions, lambdas and classes nested in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _SCOPES):
            yield child
            yield from _own_nodes(child)


def _constant(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """Return the literal that every path of a body returns; None if they differ, or one returns nothing."""
    returned = [found.value for found in _own_nodes(node) if isinstance(found, ast.Return)]
    texts = {"" if value is None else ast.unparse(value) for value in returned}
    if len(texts) != 1 or returned[0] is None or not _always_returns(node.body):
        return None
    try:
        value = ast.literal_eval(returned[0])
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    values = value.values() if isinstance(value, dict) else [value]
    # Other literals are no outcomes, which the run says better.
    return texts.pop() if all(isinstance(each, bool | int | float) for each in values) else None


def _always_returns(body: Sequence[ast.stmt]) -> bool:
    """Tell whether a block ends in a return, or an exception, on every path."""
    match body[-1] if body else None:
        case ast.Return() | ast.Raise():
            return True
        case ast.With(body=inner) | ast.AsyncWith(body=inner):
            return _always_returns(inner)
        case ast.If(body=inner, orelse=other):
            return _always_returns(inner) and _always_returns(other)
        case ast.Try(body=inner, handlers=handlers, orelse=other, finalbody=final):
            ends = _always_returns(other or inner) and all(_always_returns(each.body) for each in handlers)
            return ends or _always_returns(final)
        case _:
            return False


def _returns_value(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value is None)
