"""What a body keeps from trial to trial, as far as its source shows."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Iterator
from types import ModuleType
from typing import Any

from pytest_velo.bodies.shape import definition_of

_CHANGES = frozenset(
    {"append", "appendleft", "extend", "insert", "add", "update", "discard", "remove", "pop", "popleft"}
    | {"popitem", "clear", "rotate", "reverse", "sort"}
)


def kept_state(body: Callable[..., Any] | None) -> tuple[str, ...]:
    """Return the globals and variables around a body that it both changes and reads, in their order.

    What it only changes, such as a list of what was seen, cannot make a trial depend on another. Neither does
    what is kept by a key that is not the same in all trials, such as a cache. What the functions that it
    calls do is not looked at.
    """
    if body is None or (definition := definition_of(body)) is None:
        return ()
    function = inspect.unwrap(body)
    around = {**getattr(function, "__globals__", {}), **_closure(function)}
    return state_in(definition, {name for name, value in around.items() if not isinstance(value, ModuleType)})


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
    changed: dict[str, None] = {}
    writes: set[int] = set()  # names that are there only to be changed
    for statement in definition.body:
        for base, reads in _changes(statement):
            if base.id in (declared | {*around}) - own:
                changed.setdefault(base.id)
                if not reads:
                    writes.add(id(base))
    read = {
        node.id
        for statement in definition.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in writes
    }
    return tuple(name for name in changed if name in read)


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
                if base is not None:
                    yield base, id(node) not in alone
            elif isinstance(called, ast.Name) and called.id == "next" and node.args:
                base = _base(node.args[0])
                if base is not None:
                    yield base, id(node) not in alone


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


def _closure(function: Any) -> dict[str, Any]:
    try:
        return dict(inspect.getclosurevars(function).nonlocals)
    except (TypeError, ValueError):
        return {}
