"""Which calls of a body may assert: all but those of builtins, plain data and our fixtures.

A name bound in more than one way, or a value from elsewhere, is unknown: such calls may assert.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Builtins that run or find a function of the user's, which may assert.
_CALLERS = {"__import__", "eval", "exec", "filter", "getattr", "map", "super"}
_BUILTINS = set(dir(builtins)) - _CALLERS

# These cannot assert on plain data; other methods of a local object, or of a case, may.
_DATA_METHODS = {name for kind in (str, dict, list, tuple, set, int, float) for name in dir(kind)}

# Our fixture whose value is the user's own object.
_CASE = "case"


def unknown_calls(node: Function, fixture_names: Collection[str]) -> tuple[str, ...]:
    """Return the calls in a body that may assert, as written, in the order they are found."""
    bindings = list(_bindings(node))
    local = {name for name, _ in bindings}
    parameters = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
    ours = _ours(bindings, parameters & set(fixture_names) - local - {_CASE})
    data = local | (parameters & {_CASE})
    return tuple(
        ast.unparse(call.func)
        for statement in node.body
        for call in ast.walk(statement)
        if isinstance(call, ast.Call) and not _is_harmless(call.func, ours, data)
    )


def _is_harmless(func: ast.expr, ours: set[str], data: set[str]) -> bool:
    if isinstance(func, ast.Name):
        return func.id in ours or (func.id in _BUILTINS and func.id not in data)
    if not isinstance(func, ast.Attribute):
        return False
    root = _root(func.value)
    if isinstance(root, ast.Name) and root.id in ours:
        return True
    if func.attr not in _DATA_METHODS:
        return False
    if isinstance(root, ast.Name):
        return root.id in data or root.id in _BUILTINS
    return isinstance(root, ast.Constant | ast.JoinedStr | ast.List | ast.Dict | ast.Tuple | ast.Set)


def _ours(bindings: list[tuple[str, ast.expr | None]], fixtures: set[str]) -> set[str]:
    """Return our fixtures and the local names that are only ever bound to values derived from them."""
    ours = set(fixtures)
    while True:
        found = {
            name
            for name, _ in bindings
            if all(value is not None and _comes_of(value, ours) for bound, value in bindings if bound == name)
        }
        if found <= ours:
            return ours
        ours |= found


def _comes_of(value: ast.expr, ours: set[str]) -> bool:
    root = _root(value)
    return isinstance(root, ast.Name) and root.id in ours


def _root(node: ast.expr) -> ast.expr:
    """Return what a chain of attributes, items, calls and awaits starts from."""
    while True:
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
                node = inner
            case ast.Call(func=inner):
                node = inner
            case _:
                return node


def _bindings(node: Function) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield every (name, value) bound in a body; None for a value that is not followed."""
    for statement in node.body:
        for child in ast.walk(statement):
            yield from _bound_by(child)


def _bound_by(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _targets(target, value)
        case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
            yield from _targets(target, value)
        case ast.NamedExpr(target=target, value=value):
            yield from _targets(target, value)
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield from _targets(target, value)
        case ast.comprehension(target=target, iter=value):
            yield from _targets(target, value)
        case ast.withitem(optional_vars=ast.expr() as target):
            yield from _targets(target, None)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, None
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name.split(".")[0], None) for alias in names)


def _targets(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names a target binds; a name unpacked from a value counts as derived from it."""
    for child in ast.walk(target):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id, value
