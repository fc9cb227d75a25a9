"""What a body keeps from trial to trial, as far as its source shows."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from types import ModuleType
from typing import Any

from pytest_velo.bodies.shape import definition_of
from pytest_velo.checks.bodies import closure_of

_CHANGES = frozenset(
    {"append", "appendleft", "extend", "insert", "add", "update", "discard", "remove", "pop", "popleft"}
    | {"popitem", "clear", "rotate", "reverse"}
)
_TELLS = frozenset({"debug", "info", "warn", "warning", "error", "exception", "critical", "log"})


def kept_state(body: Callable[..., Any] | None) -> tuple[str, ...]:
    """Return the globals and variables around a body that it both changes and reads, in their order.

    What it only changes, such as a list of what was seen, cannot make a trial depend on another; nor can what
    it reads only to print or log it, or to change it further. Neither does what is kept by a key that is not
    the same in all trials, such as a cache, or what is loaded by whichever trial is first, of nothing of its
    own. What the functions that it calls do is not looked at.
    """
    if body is None or (definition := definition_of(body)) is None:
        return ()
    function = inspect.unwrap(body)
    around = {**getattr(function, "__globals__", {}), **closure_of(function)}
    return state_in(definition, {name for name, value in around.items() if not isinstance(value, ModuleType)})


def goes_by_index(body: Callable[..., Any] | None) -> bool:
    """Tell whether a body reads `trial.index`, other than to print or log it."""
    if body is None or (definition := definition_of(body)) is None:
        return False
    idle = _idle(definition.body, ())
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "index"
        and isinstance(node.value, ast.Name)
        and node.value.id == "trial"
        and id(node.value) not in idle
        for statement in definition.body
        for node in ast.walk(statement)
    )


def state_in(definition: ast.FunctionDef | ast.AsyncFunctionDef, around: Collection[str]) -> tuple[str, ...]:
    """Return the names `around` a function that its source both changes and reads."""
    declared = {
        name
        for node in ast.walk(definition)
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    }
    own = {node.arg for node in ast.walk(definition) if isinstance(node, ast.arg)}
    own |= {
        node.id
        for node in ast.walk(definition)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in declared
    }
    kept = (declared | {*around}) - own
    changed: dict[str, None] = {}
    idle = _idle(definition.body, kept)  # names that are there only to be changed, or told
    begun = _begun(definition, own)
    for statement in definition.body:
        for base, reads in _changes(statement):
            if base.id in kept and id(base) not in begun:
                changed.setdefault(base.id)
            if base.id in kept and not reads:
                idle.add(id(base))
    read = {
        node.id
        for statement in definition.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in idle
    }
    return tuple(name for name in changed if name in read)


def _idle(statements: Iterable[ast.stmt], kept: Collection[str]) -> set[int]:
    """Return the names in statements that only print, log, or change what is kept.

    Nothing that such a statement reads reaches an outcome, but through what it changes.
    """
    found: set[int] = set()
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.stmt) and _is_idle(node, kept):
                found |= {id(name) for name in ast.walk(node) if isinstance(name, ast.Name)}
    return found


def _is_idle(statement: ast.stmt, kept: Collection[str]) -> bool:
    if any(isinstance(node, ast.Await | ast.Yield | ast.NamedExpr) for node in ast.walk(statement)):
        return False
    match statement:
        case ast.If():
            return all(_is_idle(each, kept) for each in (*statement.body, *statement.orelse))
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=called, value=of)) as call):
            base = _base(of)
            return called in _TELLS or (
                called in _CHANGES and base is not None and base.id in kept and not _calls(call.args)
            )
        case ast.Assign(value=value) | ast.AugAssign(value=value):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            bases = [base for target in targets for base in _targets(target)]
            return bool(bases) and all(base.id in kept for base in bases) and not _calls([value])
    return isinstance(statement, ast.Pass)


def _calls(values: Iterable[ast.expr]) -> bool:
    """Tell whether anything is called, which may do more than return a value."""
    return any(isinstance(node, ast.Call) for value in values for node in ast.walk(value))


def _begun(definition: ast.FunctionDef | ast.AsyncFunctionDef, own: Collection[str]) -> set[int]:
    """Return the names that are changed only while they are empty, by nothing that a trial has of its own.

    Whichever trial is first makes the same of them: ``if DATA is None: DATA = load()``.
    """
    found: set[int] = set()
    for node in ast.walk(definition):
        if not isinstance(node, ast.If) or (empty := _if_empty(node.test)) is None:
            continue
        inside = [part for statement in node.body for part in ast.walk(statement)]
        names = [part for part in inside if isinstance(part, ast.Name)]
        bound = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        theirs = {name.id for name in names if isinstance(name.ctx, ast.Load)} & {*own} - bound
        if theirs or any(isinstance(part, ast.Await | ast.Return | ast.Yield) for part in inside):
            continue
        found |= {id(name) for name in names if name.id == empty}
    return found


def _if_empty(test: ast.expr) -> str | None:
    """Return the name that a condition finds empty: ``X is None``, ``not X`` or ``"key" not in X``."""
    match test:
        case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            base = _base(left)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            base = _base(operand)
        case ast.Compare(left=ast.Constant(), ops=[ast.NotIn()], comparators=[where]):
            base = _base(where)
        case _:
            return None
    return None if base is None else base.id


def _changes(statement: ast.stmt) -> Iterator[tuple[ast.Name, bool]]:
    """Yield each name whose value a statement changes, and whether it also reads it there."""
    alone = {id(node.value) for node in ast.walk(statement) if isinstance(node, ast.Expr)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Assign):
            yield from ((base, False) for target in node.targets for base in _targets(target))
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            yield from ((base, False) for base in _targets(node.target))
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr in _CHANGES:
                base = _base(called.value)
                if base is not None and not _is_keyed(node):
                    yield base, id(node) not in alone
            elif isinstance(called, ast.Name) and called.id == "next" and node.args:
                base = _base(node.args[0])
                if base is not None:
                    yield base, id(node) not in alone


def _is_keyed(call: ast.Call) -> bool:
    """Tell whether what is added has keys that trials may not share, as in ``CACHE.update({case.id: 1})``."""
    match call.args:
        case [ast.Dict(keys=keys)]:
            return bool(keys) and not any(isinstance(key, ast.Constant) for key in keys)
    return False


def _targets(target: ast.expr) -> Iterator[ast.Name]:
    """Yield the names that an assignment changes; not where it is by a key that trials may not share."""
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _targets(part)
    elif isinstance(target, ast.Name):
        yield target
    elif isinstance(target, ast.Attribute) or (
        isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)
    ):
        base = _base(target)
        if base is not None:
            yield base


def _base(node: ast.expr) -> ast.Name | None:
    """Return the name that a chain of attributes and items begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            return None
        node = node.value
    return node if isinstance(node, ast.Name) else None
