"""What a body cannot use: fixtures and helpers that watch the process, count calls, or swallow failures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from pytest_velo.errors import UsageError

_FORBIDDEN_FIXTURES = {
    "capsys": "it captures the output of all concurrent trials, not of one",
    "capfd": "it captures the output of all concurrent trials, not of one",
    "capsysbinary": "it captures the output of all concurrent trials, not of one",
    "capfdbinary": "it captures the output of all concurrent trials, not of one",
    "recwarn": "it records warnings of the whole process, so a trial would see those of others",
    "caplog": "it records the log of all concurrent trials, not of one",
    "monkeypatch": "it changes the process for all concurrent trials, and is undone only at the end",
    "subtests": "it reports a failed assert and continues, so a failing trial would count as 1",
}

_NUMBERS = "it numbers the comparisons of a test, so every trial is compared with another snapshot"
_ONE_CALL = "it measures one call of a test, and the second trial would be its second"
_KEEPS_ON = "it notes a failure and continues, so a failing trial would count as 1"
_WRITES_FILES = "it writes what the first trial gave into the file that all others are compared with"

# Fixtures of plugins, by package and name.
_FORBIDDEN_OF_PLUGINS = {
    ("syrupy", "snapshot"): _NUMBERS,
    ("snapshottest", "snapshot"): _NUMBERS,
    ("pytest_snapshot", "snapshot"): _WRITES_FILES,
    ("pytest_benchmark", "benchmark"): _ONE_CALL,
    ("pytest_benchmark", "benchmark_weave"): _ONE_CALL,
    ("pytest_codspeed", "benchmark"): _ONE_CALL,
    ("pytest_check", "check"): _KEEPS_ON,
}

# Helpers that a body imports, by package.
_FORBIDDEN_HELPERS = {
    "inline_snapshot": "it records what the first trials gave, and holds the others against that",
    "pytest_check": _KEEPS_ON,
}


def forbidden_fixtures() -> Mapping[str, str]:
    """Return pytest's fixtures that a body cannot use, each with the reason.

    They change or watch the whole process, while trials run side by side, or keep a failed assert from the
    trial.
    """
    return _FORBIDDEN_FIXTURES


def why_forbidden(name: str, module: str) -> str | None:
    """Return why a body cannot use a plugin's fixture, by its name and module; None if it can."""
    package = module.partition(".")[0]
    if package == "pytest_regressions":
        return _WRITES_FILES
    return _FORBIDDEN_OF_PLUGINS.get((package, name))


def forbidden_helper(body: Callable[..., Any]) -> UsageError | None:
    """Return the error of a body that uses a helper which counts its calls, or swallows failures."""
    func = inspect.unwrap(body)
    func = getattr(func, "__func__", func)
    code, scope = getattr(func, "__code__", None), getattr(func, "__globals__", {})
    for name in sorted(_names_in(code)) if code is not None else ():
        value = scope.get(name)
        origin = str(getattr(value, "__module__", None) or getattr(value, "__name__", ""))
        reason = _FORBIDDEN_HELPERS.get(origin.partition(".")[0])
        if reason is not None:
            return UsageError(
                f"a hypothesis cannot use `{name}` of {origin.partition('.')[0]}: {reason}",
                fix="assert on values, or return the outcome",
            )
    return None


def _names_in(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names_in, inner))
