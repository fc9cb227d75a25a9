"""Python started with -O, and pytest with --assert=plain: what could make a trial fail must be there."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.processes

HELPERS = """
def check(reply):
    assert reply == "yes"

class Rules:
    @staticmethod
    def hold(reply):
        assert reply == "yes"
"""
BODIES = """
import helpers
from helpers import check

def near(reply):
    assert reply == "yes"

{mark}
def test_itself(model):
    assert model("q") == "yes"

{mark}
def test_near(model):
    near(model("q"))
"""
FAR = """
import helpers
from helpers import Rules, check

@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
def test_far(model):
    {call}(model("q"))
"""
MARK = "@pytest.mark.hypothesis(rate >= 0.5, models=[NO])"


def test_asserts_that_pytest_rewrote_run_under_optimisation(run) -> None:
    run.file(BODIES.format(mark=MARK))
    (run.path / "helpers.py").write_text(HELPERS)
    run.apart(PYTHONOPTIMIZE="1").assert_outcomes(failed=2)
    assert run.outcomes == ["refuted", "refuted"]


@pytest.mark.parametrize("call", ["check", "helpers.check", "Rules.hold"])
def test_asserts_of_other_modules_are_missed_under_optimisation(run, call) -> None:
    run.file(FAR.format(call=call))
    (run.path / "helpers.py").write_text(HELPERS)
    result = run.apart(PYTHONOPTIMIZE="1")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["*test_far*asserts in *never run*-O (PYTHONOPTIMIZE)*", "*fix: *without -O*"]
    )


def test_plain_asserts_run_without_a_message_and_never_under_optimisation(run) -> None:
    run.file(BODIES.format(mark=MARK))
    (run.path / "helpers.py").write_text(HELPERS)
    run.apart("--assert=plain").assert_outcomes(failed=2)
    assert run.outcomes == ["refuted", "refuted"]
    assert {trial.detail for trial in run.record["itself"].trials} == {""}
    result = run.apart("--assert=plain", PYTHONOPTIMIZE="1")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_itself*asserts in test_itself never run*"])
