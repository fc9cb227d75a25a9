"""What users import is explained and shown by examples that run; no other docstring holds a doctest.

That doctests pass is seen by `pytest --doctest-modules`, that fenced blocks do by `test_docstrings.py`.
"""

from __future__ import annotations

import ast
import doctest
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest_velo

PACKAGE = Path(pytest_velo.__file__).parent
# Modules that hold what users call: names of `pytest_velo`, their methods, and what plugins build on.
USERS_CALL = {
    "pytest_velo",
    "pytest_velo.case_sets.case",
    "pytest_velo.case_sets.sets",
    "pytest_velo.claims.claim",
    "pytest_velo.claims.questions",
    "pytest_velo.claims.statistics",
    "pytest_velo.claims.words",
    "pytest_velo.claims.stored",
    "pytest_velo.covariates",
    "pytest_velo.truth",
    "pytest_velo.elicit.curves",
    "pytest_velo.errors",
    "pytest_velo.hooks",
    "pytest_velo.integration.fixtures",
    "pytest_velo.designing.supplies",
    "pytest_velo.interactive.asking.replies",
    "pytest_velo.logprobs",
    "pytest_velo.logs.cases",
    "pytest_velo.media",
    "pytest_velo.providers.scripted",
    "pytest_velo.records.draws",
    "pytest_velo.records.ladders",
    "pytest_velo.records.requests",
    "pytest_velo.replies",
    "pytest_velo.report.load",
    "pytest_velo.report.schema",
    "pytest_velo.sampling.model",
    "pytest_velo.sampling.trial",
    "pytest_velo.scorers.agreement",
    "pytest_velo.scorers.judge",
    "pytest_velo.searching.search",
    "pytest_velo.stats.choosing",
    "pytest_velo.stubs",
}


def exported() -> dict[str, type]:
    """Return the public names, each with the function or class it is, or whose instance it is."""
    things = {name: getattr(pytest_velo, name) for name in pytest_velo.__all__}
    return {
        name: thing if inspect.isclass(thing) or inspect.isfunction(inspect.unwrap(thing)) else type(thing)
        for name, thing in things.items()
    }


@cache
def docstrings() -> tuple[tuple[str, str], ...]:
    """Return every docstring of the package with the module it is in."""
    return tuple(_docstrings())


def _docstrings() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield module, ast.get_docstring(node) or ""


def explained(thing: type) -> Iterator[str]:
    """Return the docstring of a class or a function, and those of its public methods."""
    yield inspect.getdoc(thing) or ""
    for name, member in vars(thing).items() if inspect.isclass(thing) else ():
        if not name.startswith("_") and (callable(member) or isinstance(member, property)):
            yield inspect.getdoc(member) or ""


def test_everything_users_import_has_a_docstring() -> None:
    assert [name for name, thing in exported().items() if not all(explained(thing))] == []


def test_every_exported_name_has_an_example_that_runs() -> None:
    def is_shown(thing: type) -> bool:
        return any(">>> " in text or "```python\n" in text for text in explained(thing))

    assert [name for name, thing in exported().items() if not is_shown(thing)] == []


def test_no_doctest_is_skipped() -> None:
    examples = [
        (module, example)
        for module, text in docstrings()
        for example in doctest.DocTestParser().get_examples(text)
    ]
    assert [module for module, example in examples if example.options.get(doctest.SKIP)] == []


def test_doctests_live_only_on_what_users_call() -> None:
    assert {module for module, text in docstrings() if ">>> " in text} <= USERS_CALL
