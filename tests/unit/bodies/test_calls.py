"""Which calls of a body could assert: all but those of builtins, of plain data and of our fixtures."""

from __future__ import annotations

import ast

from pytest_velo.bodies.calls import unknown_calls


def test_calls_of_unknown_functions_are_found() -> None:
    body = ast.parse("def test(model):\n r = model('x')\n r.answers('y')\n check(r)").body[0]
    assert unknown_calls(body, ["model"]) == ("check",)
