"""Which stubs a body's source names: calls of `velo.stub` with a reason that can be read."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from pytest_velo.bodies.shape import definition_of
from pytest_velo.records import Stubbed
from pytest_velo.stubs import place


def stubs_in(body: Callable[..., Any]) -> Iterator[Stubbed]:
    """Yield what a body's source stubs by `velo.stub(value, "why")`, without running it."""
    definition, code = definition_of(body), getattr(inspect.unwrap(body), "__code__", None)
    if definition is None or code is None:
        return
    # Decorators come first, so the first line of the source is that of the first of them.
    begins = min([definition.lineno, *(each.lineno for each in definition.decorator_list)])
    for node in ast.walk(definition):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="velo"), attr="stub"),
                args=[_, ast.Constant(value=str(why))],
            ):
                line = code.co_firstlineno + node.lineno - begins
                yield Stubbed(what="value", why=" ".join(why.split()), where=place(code.co_filename, line))
