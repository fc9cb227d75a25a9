"""Every public function is shown by an example that runs, everything public is explained, nothing is long.

Public is what has no leading underscore: functions at module level, classes, and methods of such classes.
That doctests pass is seen by `pytest --doctest-modules`, that fenced blocks do by `test_docstrings.py`.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

import pytest_velo

ROOT = Path(pytest_velo.__file__).parents[1]
MODULES = sorted((ROOT / "pytest_velo").rglob("*.py"))
MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 40  # its docstring not counted
FENCED = re.compile(r"^ *```python\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL)

# "module.py: function" → why no example can show it.
NOT_SHOWN: dict[str, str] = {}

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def parsed(path: Path) -> ast.Module:
    """Return the module's tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def public_functions(path: Path) -> Iterator[Function]:
    """Return the public functions at the module's level, those under an `if` or a `try` too."""
    waiting: list[ast.stmt] = [*parsed(path).body]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.If | ast.Try):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def public_members(
    node: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Return the public classes with their public methods, and the public functions, by dotted name."""
    for child in node.body:
        if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public_members(child, f"{prefix}{child.name}.")


def is_hook_of_pytest(path: Path, name: str) -> bool:
    """Tell whether pytest itself calls it: the whole e2e suite plays these."""
    return path.name == "plugin.py" and name.startswith("pytest_")


def shown_code(text: str) -> str:
    """Return the code that a docstring shows, of doctests and of fenced blocks."""
    tested = [example.source for example in doctest.DocTestParser().get_examples(text)]
    return "\n".join([*tested, *(block["code"] for block in FENCED.finditer(text))])


def n_lines(function: Function) -> int:
    """Return a function's lines without its docstring and decorators."""
    assert function.end_lineno is not None
    first = function.body[0]
    of_docstring = 0
    if ast.get_docstring(function) is not None:
        assert first.end_lineno is not None
        of_docstring = first.end_lineno - first.lineno + 1
    return function.end_lineno - function.lineno + 1 - of_docstring


@each_module
def test_public_functions_are_shown(path: Path) -> None:
    module = path.relative_to(ROOT)
    problems = []
    for function in public_functions(path):
        place = f"{module}: {function.name}"
        if is_hook_of_pytest(path, function.name) or place in NOT_SHOWN:
            continue
        code = shown_code(ast.get_docstring(function) or "")
        if not code:
            problems.append(f"{place}() has no doctest")
        elif not re.search(rf"\b{function.name}\b", code):
            problems.append(f"{place}() has a doctest that does not use it")
    assert not problems, "\n".join(problems)


@each_module
def test_no_doctest_is_skipped(path: Path) -> None:
    texts = [ast.get_docstring(node) or "" for node in ast.walk(parsed(path)) if isinstance(node, Function)]
    skipped = [text for text in texts if re.search(r"doctest:\s*\+SKIP", text)]
    assert not skipped, f"{path.relative_to(ROOT)}: {skipped}"


@each_module
def test_what_is_public_has_a_docstring(path: Path) -> None:
    lacking = [name for name, node in public_members(parsed(path)) if not ast.get_docstring(node)]
    assert not lacking, f"{path.relative_to(ROOT)}: no docstring: {', '.join(lacking)}"


@each_module
def test_modules_and_functions_are_short(path: Path) -> None:
    module = path.relative_to(ROOT)
    n_module = len(path.read_text(encoding="utf-8").splitlines())
    assert n_module <= MOST_LINES_OF_A_MODULE, f"{module} has {n_module} lines"
    functions = [node for node in ast.walk(parsed(path)) if isinstance(node, Function)]
    long = [(node.name, n) for node in functions if (n := n_lines(node)) > MOST_LINES_OF_A_FUNCTION]
    assert not long, "\n".join(f"{module}: {name}() has {n} lines" for name, n in long)


def test_what_is_excused_is_there() -> None:
    functions = {
        f"{path.relative_to(ROOT)}: {node.name}" for path in MODULES for node in public_functions(path)
    }
    assert set(NOT_SHOWN) <= functions
    assert all(NOT_SHOWN.values())
