"""Fixtures and helpers that a body cannot use."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any

import pytest

from pytest_velo.bodies.forbidden import forbidden_helper, why_forbidden


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("syrupy", "snapshot"),
        ("pytest_snapshot.plugin", "snapshot"),
        ("pytest_benchmark.plugin", "benchmark"),
        ("pytest_check.plugin", "check"),
        ("pytest_regressions.plugin", "data_regression"),
    ],
)
def test_fixtures_that_count_calls_or_swallow_failures_are_named_with_the_reason(module, name) -> None:
    reason = why_forbidden(name, module)
    assert reason is not None
    assert len(reason.split()) > 5


def test_a_users_fixture_of_the_same_name_is_not() -> None:
    assert why_forbidden("snapshot", "conftest") is None
    assert why_forbidden("syrupy_helper", "syrupy") is None


def of_module(module: str) -> Any:
    """Return a function that a package of this name exports."""
    helper = FunctionType((lambda value=None: value).__code__, {"__name__": module})
    helper.__module__ = module
    return helper


@pytest.mark.parametrize("package", ["inline_snapshot", "pytest_check"])
def test_helpers_that_a_body_imports_are_found(package: str) -> None:
    module = ModuleType(package)
    scope: dict[str, Any] = {"helper": of_module(f"{package}._api"), "module": module}
    exec(
        "def by_name(reply): assert reply == helper()\ndef by_module(reply): assert module.equal(reply)",
        scope,
    )
    for body in (scope["by_name"], scope["by_module"]):
        error = forbidden_helper(body)
        assert error is not None
        assert package in error.what


def test_other_helpers_are_left_alone() -> None:
    assert forbidden_helper(of_module) is None
    assert forbidden_helper(sys.getsizeof) is None
