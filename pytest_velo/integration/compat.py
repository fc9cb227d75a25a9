"""Every private part of pytest that is leaned on, in one place (each has a test of its own)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

import pytest
from _pytest import assertion
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback
from _pytest.assertion import util
from _pytest.mark.expression import Expression
from _pytest.python import get_direct_param_fixture_func


class FixtureInfo(Protocol):
    """What pytest knows of a test function's fixtures."""

    argnames: Sequence[str]
    names_closure: Sequence[str]
    name2fixturedefs: Mapping[str, Sequence[pytest.FixtureDef[Any]]]


def fixture_info(definition: Any) -> FixtureInfo:
    """Return the fixture closure of a function item or a metafunc's definition."""
    return cast(FixtureInfo, definition._fixtureinfo)


def marks_of_calls(metafunc: pytest.Metafunc) -> list[Sequence[pytest.Mark]]:
    r"""Return, for every item that will be made of a test function, the marks of its own parameters.

    Args:
        metafunc: When all `pytest_generate_tests` have run.
    """
    return [call.marks for call in metafunc._calls] or [()]


def is_parameter(definition: pytest.FixtureDef[Any]) -> bool:
    r"""Tell whether a fixture is only a value of `parametrize`, which nothing sets up."""
    return definition.func is get_direct_param_fixture_func


def mark_expression_holds(expression: str, marks: set[str], *, whatever_keywords: bool = False) -> bool:
    """Evaluate a `-m` expression for an item that has exactly `marks`; a broken one does not hold.

    Args:
        expression: As typed.
        marks: Their names.
        whatever_keywords: What it asks of the keywords of one of the marks holds; else it never does.
    """

    def matcher(name: str, /, **keywords: Any) -> bool:
        return name in marks and (whatever_keywords or not keywords)

    try:
        return bool(Expression.compile(expression).evaluate(cast(Any, matcher)))
    except SyntaxError:
        return False  # pytest itself reports it


@contextmanager
def sparing_explanations(wanted: Callable[[], bool]) -> Iterator[None]:
    """Build the long message of a failed comparison only while `wanted()`; it costs 0.1 ms each."""
    original = util._reprcompare
    if original is None:
        yield
        return

    def compare(operator: str, left: object, right: object) -> str | None:
        return original(operator, left, right) if wanted() else None

    util._reprcompare = compare
    try:
        yield
    finally:
        util._reprcompare = original


def terminal_reporter(config: pytest.Config) -> pytest.TerminalReporter | None:
    """Return pytest's terminal reporter; None where there is none (xdist workers)."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return cast("pytest.TerminalReporter | None", reporter)


def longrepr_of(text: str, report: pytest.TestReport, head: str = "") -> Any:
    r"""Return `text` as what pytest prints of a failure; its first line alone is the short summary's.

    A plain string would stand in the short summary whole wherever `CI` is set, and travels to pytest-xdist's
    controller as this does.

    Args:
        text: One or more lines.
        report: Of the test, for its place.
        head: What stands in the short summary instead of the first line.
    """
    path, line, _ = report.location
    head = (head or text).split("\n", 1)[0]
    return ReprExceptionInfo(
        reprtraceback=ReprTraceback([ReprEntryNative([text + "\n"])], None, "native"),
        reprcrash=ReprFileLocation(path, (line or 0) + 1, head),
    )


def comparison_hook() -> Any:
    """Return what explains a failed comparison of a rewritten assert at the moment; None between items."""
    return util._reprcompare


def set_comparison_hook(hook: Any) -> None:
    """Put something else in its place: a function of operator, left and right that returns a text or None."""
    util._reprcompare = hook


def log_handlers(config: pytest.Config) -> list[Any]:
    """Return the handlers by which pytest catches log records for its reports; none under `-p no:logging`."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    names = ("caplog_handler", "report_handler")
    return [getattr(plugin, name) for name in names if hasattr(plugin, name)]


def hooks_of_conftests(item: pytest.Item, name: str) -> bool:
    """Tell whether a conftest around an item implements a hook.

    Args:
        item: Hooks of a conftest elsewhere do not reach it.
        name: Of the hook.
    """
    files = (getattr(found.plugin, "__file__", None) for found in getattr(item.ihook, name).get_hookimpls())
    return any(file is not None and file.endswith("conftest.py") for file in files)


def comparison_hook_of(item: pytest.Item) -> Any:
    """Return what explains failed comparisons while pytest runs `item`, whichever item it runs now."""
    protocol = assertion.pytest_runtest_protocol(item)
    next(protocol)  # puts the hook in place
    try:
        return comparison_hook()
    finally:
        protocol.close()  # and takes it away again


def captures(config: pytest.Config) -> list[Any]:
    """Return what puts pytest's streams in the place of `sys.stdout` and `sys.stderr`, and back.

    Each has the stream while it captures (`tmpfile`) and the one it found (`_old`). None of them under `-s`.
    """
    manager = config.pluginmanager.get_plugin("capturemanager")
    capturing = getattr(manager, "_global_capturing", None)
    both = (getattr(capturing, "out", None), getattr(capturing, "err", None))
    streams = [getattr(capture, "syscapture", capture) for capture in both]
    return [stream for stream in streams if hasattr(stream, "tmpfile") and hasattr(stream, "_old")]
