"""Marks that come after collection: honoured, or an error; never a body that runs once and passes."""

from __future__ import annotations

import pytest

BODIES = """
def test_told_late():
    CALLS.append("late")
    return len(CALLS) >= 0

@pytest.mark.hypothesis(rate >= 0.5)
def test_given_defaults_late(trial):
    return trial.index >= 0
"""

LATE = """
import pytest
from pytest_velo import rate

def pytest_collection_modifyitems(items):
    for item in items:
        if item.name == "test_told_late":
            item.add_marker(pytest.mark.hypothesis(rate >= 0.5))
        if item.name == "test_given_defaults_late":
            item.add_marker(pytest.mark.velo(max_trials=30))
"""


def test_marks_added_while_items_are_modified_are_honoured(run) -> None:
    run.file(f"CALLS = []\n{BODIES}\ndef test_sampled(): assert len(CALLS) > 1\n")
    run.file(LATE, "conftest.py")
    run().assert_outcomes(passed=3)
    assert run.outcomes == ["supported", "supported"]
    assert run.record["defaults"].max_trials == 30


def test_a_late_mark_counts_for_the_selection(run) -> None:
    run.file(f"CALLS = []\n{BODIES}")
    run.file(LATE, "conftest.py")
    result = run("-m", "not velo")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*test_told_late*came after `-m not velo`*", "*fix: put the mark on the test*"]
    )


def test_a_late_member_of_a_family_is_refused(run) -> None:
    run.file(f"CALLS = []\n{BODIES}")
    run.file(LATE, "conftest.py")
    result = run("--velo-multiplicity=holm")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_told_late*after the members of its family were counted*"])


TOO_LATE = """
import unittest

@pytest.fixture
def marked(request):
    request.node.add_marker(pytest.mark.hypothesis(rate >= 0.5))

@pytest.fixture
def told(request):
    request.node.add_marker(pytest.mark.velo(max_trials=7))

@pytest.fixture
def at_the_end(request):
    yield
    request.node.add_marker(pytest.mark.hypothesis(rate >= 0.5))

def test_fixture(marked):
    pass

@pytest.mark.hypothesis(rate >= 0.5)
def test_defaults(told, trial):
    return trial.index >= 0

def test_teardown(at_the_end):
    pass

def test_itself(request):
    request.node.add_marker(pytest.mark.hypothesis(rate >= 0.5))

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def late(self, request):
        request.node.add_marker(pytest.mark.hypothesis(rate >= 0.5))

    def test_method(self):
        pass

def test_hook():
    pass

@pytest.mark.hypothesis(rate >= 0.5)
def test_taken_over(trial):
    return trial.index >= 0

def test_plain():
    pass
"""
HOOKS = """
import pytest
from pytest_velo import rate

class Other:
    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        if pyfuncitem.name == "test_taken_over":
            return True

def pytest_configure(config):
    config.pluginmanager.register(Other(), "other")

def pytest_runtest_setup(item):
    if item.name == "test_hook":
        item.add_marker(pytest.mark.hypothesis(rate >= 0.5))
"""


def test_marks_that_come_too_late_are_errors_and_no_body_passes(run) -> None:
    run.file(TOO_LATE)
    run.file(HOOKS, "conftest.py")
    result = run("--junitxml=out.xml", "-v")
    # The body of two ran before they were marked; pytest counts them as passed, and the error after it.
    result.assert_outcomes(passed=2, errors=7)
    shown = result.stdout.str()
    for name in ("test_fixture", "test_defaults", "test_itself", "test_method", "test_hook"):
        assert f"{name} ERROR" in shown
    assert shown.count("came after collection") >= 6
    assert "another plugin ran the body once" in shown
    assert "other" in shown.partition("another plugin ran")[2]
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_something_else_than_a_test_function_is_refused(run) -> None:
    run.file("", "test_empty.py")
    (run.path / "test_doc.txt").write_text(">>> 1 + 1\n2\n")
    run.file(
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items: item.add_marker(pytest.mark.hypothesis(rate >= 0.5))\n",
        "conftest.py",
    )
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_doc.txt*DoctestItem cannot be a hypothesis*"])


def test_a_marked_function_that_pytest_does_not_collect_is_told(run) -> None:
    run.file(
        "@pytest.mark.hypothesis(rate >= 0.5)\ndef says_yes(trial): return trial.index >= 0\n"
        "@pytest.mark.hypothesis(rate >= 0.5)\ndef _alias(trial): return trial.index >= 0\n"
        "test_alias = _alias\n"
    )
    result = run()
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*says_yes*is marked as a hypothesis*not collect*"])
