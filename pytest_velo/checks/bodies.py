"""Static checks of a body at collection: can it fail at all, and how does it say what came out?

Reading source is a guess about behaviour, so every doubt is decided for the user: a body is refused only
where nothing in it could make a trial fail. What slips through is caught by `never_failed` after the run.
"""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.checks.calls import unknown_calls
from pytest_velo.errors import UsageError

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)

_FORBIDDEN_FIXTURES = {
    "capsys": "it captures the output of all trials that run at once, not of one",
    "capfd": "it captures the output of all trials that run at once, not of one",
    "capsysbinary": "it captures the output of all trials that run at once, not of one",
    "capfdbinary": "it captures the output of all trials that run at once, not of one",
    "recwarn": "warnings are recorded for the whole process, so one trial would see those of another",
    "caplog": "it records the log of all trials that run at once, not of one",
    "monkeypatch": "it changes the process for every trial that runs at once, and is undone only at the end",
    "subtests": "it reports a failed assert and goes on, so a trial that fails would come out 1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFacts:
    """What the source of a body says.

    Attributes:
        name: The function's name.
        location: `file:line`, relative to the working directory where it lies below it.
        has_source: The source could be read; without it the flags below it are False.
        is_async: Calling it gives a coroutine.
        is_generator: It yields, sync or async.
        is_lambda: It is a lambda.
        is_wrapped: A decorator stands around it, and may judge what it returns.
        has_assert: There is an assert, in nested functions too.
        has_value_return: The body itself (nested functions excluded) has a `return` with a value.
        has_raise: There is a raise, in nested functions too.
        unknown_calls: Called names that are neither builtins nor our fixtures and their results; any of
            them may assert.
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

    @property
    def can_fail(self) -> bool:
        """Something in it could make a trial come out 0, or its source does not tell."""
        return (
            not self.has_source
            or self.is_wrapped
            or self.has_assert
            or self.has_value_return
            or self.has_raise
            or bool(self.unknown_calls)
        )


def read_body(func: Callable[..., Any], fixture_names: Collection[str] = ()) -> BodyFacts:
    """Read the facts of a body.

    Args:
        func: The test function; a bound method is fine.
        fixture_names: Names in its signature that are our own fixtures: `model`, `judge`, `case`, ...
            They decide what counts as an unknown call and nothing else.
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
    node = _definition(inner)
    if node is None:
        return BodyFacts(has_source=False, **facts)
    nodes = [found for statement in node.body for found in ast.walk(statement)]
    return BodyFacts(
        has_source=True,
        **facts,
        has_assert=any(isinstance(found, ast.Assert) for found in nodes),
        has_raise=any(isinstance(found, ast.Raise) for found in nodes),
        has_value_return=any(map(_returns_value, _own_nodes(node))),
        unknown_calls=unknown_calls(node, fixture_names),
    )


@lru_cache(maxsize=512)
def body_digest(func: Callable[..., Any]) -> str:
    """Return a digest of what a body does; empty where its source cannot be read.

    Its marks are no part of that, for a claim may be edited, nor are its name, its docstring, comments and
    layout. What it calls, or is decorated with, is not followed.

    Args:
        func: The test function.
    """
    node = _definition(inspect.unwrap(func))
    if node is None:
        return ""
    node.name = ""
    node.decorator_list = []
    has_docstring = ast.get_docstring(node, clean=False) is not None
    node.body[:has_docstring] = [ast.Pass()]  # where a docstring stands, or would stand
    return digest(ast.unparse(node))


def check_facts(facts: BodyFacts) -> UsageError | None:
    """Return what is wrong with a body, None when nothing is; the caller says where.

    Args:
        facts: What `read_body` says of it.
    """
    if facts.is_lambda:
        return UsageError(
            "a lambda is no body: it has no name, no asserts and no docstring",
            fix="write `def test_...(...)` with an assert or a return",
        )
    if facts.is_generator:
        return UsageError(
            f"{facts.name} yields, so calling it runs nothing of it",
            fix="one call of the body is one trial: return its outcome instead of yielding",
        )
    if facts.can_fail:
        return None
    return UsageError(
        f"{facts.name} can never fail: it has no assert and returns no outcome",
        fix="write `assert reply.answers(...)`, or `return reply.answers(...)`",
    )


def forbidden_fixtures() -> Mapping[str, str]:
    """Return pytest's fixtures that a body cannot use, each with the reason.

    They change or watch the whole process, while trials of one hypothesis run side by side, or keep a failed
    assert from the trial.
    """
    return _FORBIDDEN_FIXTURES


def never_failed(facts: BodyFacts, n_trials: int, n_none: int) -> str | None:
    """Return a warning when every trial ended in None = 1 and the body shows no assert; else None.

    Args:
        facts: Of the body.
        n_trials: Trials that ran, from 0.
        n_none: Those whose body ended without a failure and without a value.
    """
    if facts.has_assert or facts.has_raise or n_trials == 0 or n_none < n_trials:
        return None
    return (
        f"never seen to fail: all {n_trials} trials ended without an outcome and count as 1; make sure that "
        "something in the body asserts, or return the outcome"
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


def _definition(func: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the parsed definition; None for what has no source that stands for itself."""
    try:
        source = inspect.getsource(func)
        # Not dedented: a text over several lines may begin at the margin, whatever stands around it.
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


def _returns_value(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value is None)
