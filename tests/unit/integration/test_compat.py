"""Every private part of pytest that is leaned on, in one place (each has a test of its own)."""

from __future__ import annotations

import logging
from io import StringIO
from types import ModuleType, SimpleNamespace

import pytest

from pytest_velo.integration.compat import (
    captures,
    comparison_hook,
    comparison_hook_of,
    fixture_info,
    hooks_of_conftests,
    is_parameter,
    log_handlers,
    longrepr_of,
    mark_expression_holds,
    marks_of_calls,
    set_comparison_hook,
    sparing_explanations,
    terminal_reporter,
)
from support.items import collected


def test_fixture_info_holds_names_and_closure(request: pytest.FixtureRequest) -> None:
    (item,) = collected(request, "def test_it(tmp_path): pass")
    assert list(fixture_info(item).argnames) == ["tmp_path"]
    assert "tmp_path_factory" in fixture_info(item).names_closure


def test_marks_of_calls_are_those_of_each_parameter(
    pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> None:
    seen = []

    class Look:
        @pytest.hookimpl(trylast=True)
        def pytest_generate_tests(self, metafunc):
            seen.append([[mark.name for mark in marks] for marks in marks_of_calls(metafunc)])

    manager = pytestconfig.pluginmanager
    name = manager.register(Look())
    values = "[1, pytest.param(2, marks=pytest.mark.skip)]"
    test = f"@pytest.mark.parametrize('n', {values})\ndef test_it(n): pass"
    collected(request, test)
    manager.unregister(name=name)
    assert seen == [[[], ["skip"]]]


def test_parameters_are_told_from_fixtures(request: pytest.FixtureRequest) -> None:
    test = "@pytest.mark.parametrize('word', ['yes'])\ndef test_it(word, tmp_path): pass"
    definitions = fixture_info(collected(request, test)[0]).name2fixturedefs
    assert is_parameter(definitions["word"][-1])
    assert not is_parameter(definitions["tmp_path"][-1])


def test_a_broken_mark_expression_does_not_hold() -> None:
    assert mark_expression_holds("velo and not slow", {"velo"})
    assert not mark_expression_holds("velo and", {"velo"})


def test_explanations_are_spared_inside_only() -> None:
    with sparing_explanations(lambda: False):
        assert comparison_hook()("==", "yes", "no") is None
    assert comparison_hook()("==", "yes", "no") is not None


def test_the_terminal_reporter_is_found_if_there_is_one(pytestconfig: pytest.Config) -> None:
    config = SimpleNamespace(pluginmanager=pytest.PytestPluginManager())
    assert terminal_reporter(config) is None
    reporter = pytest.TerminalReporter(pytestconfig, StringIO())
    config.pluginmanager.register(reporter, "terminalreporter")
    assert terminal_reporter(config) is reporter


def test_longrepr_shows_the_text_and_the_place() -> None:
    report = pytest.TestReport("t.py::test_it", ("t.py", 6, "test_it"), {}, "failed", None, "call")
    told = longrepr_of("refuted: rate < 0.5\n5 of 5 trials are against it", report)
    assert told.reprcrash.message == "refuted: rate < 0.5"
    assert told.reprcrash.lineno == 7
    assert str(told) == "refuted: rate < 0.5\n5 of 5 trials are against it"


def test_comparison_hook_explains() -> None:
    assert comparison_hook()("==", "yes", "no").splitlines()[0] == "'yes' == 'no'"


def test_the_comparison_hook_is_replaced() -> None:
    before = comparison_hook()
    set_comparison_hook(lambda operator, left, right: f"{left} is not {right}")
    assert comparison_hook()("==", "yes", "no") == "yes is not no"
    set_comparison_hook(before)


def test_log_handlers_see_records(pytestconfig: pytest.Config) -> None:
    logging.getLogger("velo").warning("seen")
    assert [handler.records[-1].getMessage() for handler in log_handlers(pytestconfig)] == ["seen", "seen"]


def test_hooks_of_conftests_are_found(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> None:
    conftest = ModuleType("conftest")
    conftest.__file__, conftest.pytest_runtest_setup = "conftest.py", lambda item: None
    manager = pytestconfig.pluginmanager
    name = manager.register(conftest)
    (item,) = collected(request, "def test_it(): pass")
    assert hooks_of_conftests(item, "pytest_runtest_setup")
    assert not hooks_of_conftests(item, "pytest_runtest_call")
    manager.unregister(name=name)


def test_comparison_hook_of_an_item_leaves_the_global_one(request: pytest.FixtureRequest) -> None:
    (item,) = collected(request, "def test_it(): pass")
    now = comparison_hook()
    assert comparison_hook_of(item)("==", "yes", "no").splitlines()[0] == "'yes' == 'no'"
    assert comparison_hook() is now


def test_captures_of_the_run(pytestconfig: pytest.Config) -> None:
    names = [] if pytestconfig.option.capture == "no" else ["stdout", "stderr"]
    assert [capture.name for capture in captures(pytestconfig)] == names
