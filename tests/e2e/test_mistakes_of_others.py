"""A test with a mistake stops a run only if it is selected, as one of pytest with a missing fixture does."""

from __future__ import annotations

from textwrap import indent

import pytest

RIGHT = """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_right(model):
    assert (await model("q")).answers("yes")
"""
DESIGN = """
@pytest.mark.hypothesis(rate >= 0.95, models=[YES], max_trials=5)
async def test_wrong(model):
    assert (await model("q")).answers("yes")
"""
MARK = DESIGN.replace("max_trials=5", "max_trails=50")
BODY = DESIGN.replace("max_trials=5", "cases=[1, 2]")
ASSUMES = DESIGN.replace("max_trials=5", "assumes=['test_nothing']")
WRONG = {"design": DESIGN, "mark": MARK, "body": BODY, "assumes": ASSUMES}
SAID = {"design": "max_trials=", "mark": "max_trails", "body": "case", "assumes": "test_nothing"}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(
    "left_out", ["-k=right", "--deselect=test_it.py::test_wrong", "test_it.py::test_right"]
)
def test_a_mistake_in_a_test_that_is_left_out_stops_nothing(run, kind, left_out):
    run.file(WRONG[kind] + RIGHT)
    result = run(left_out)
    assert result.ret == 0
    assert result.parseoutcomes()["passed"] == 1
    assert SAID[kind] not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(
    "options", [(), ("-k", "wrong"), ("-m", "velo"), ("-m", "hypothesis"), ("test_it.py::test_wrong",)]
)
def test_a_mistake_in_a_test_that_is_selected_stops_the_run_before_a_call(run, kind, options):
    run.file(RIGHT + WRONG[kind])
    result = run(*options)
    assert result.ret in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERRUPTED)
    assert SAID[kind] in result.stdout.str() + result.stderr.str()
    assert run.n_runs == 0


@pytest.mark.parametrize("kind", WRONG)
def test_a_mistake_in_a_test_that_did_not_fail_last_time_stops_nothing_under_lf(run, kind):
    run.file(RIGHT.replace(">= 0.5", "<= 0.5"), "test_right.py")
    assert run("-p", "cacheprovider").ret == pytest.ExitCode.TESTS_FAILED
    wrong = indent(WRONG[kind].replace("(model)", "(self, model)"), "    ")
    run.file(f"class TestWrong:{wrong}{RIGHT}", "test_right.py")  # of a class, all is collected
    result = run("--lf")
    result.assert_outcomes(passed=1, deselected=1)
    assert SAID[kind] not in result.stdout.str() + result.stderr.str()


def test_tests_that_assume_each_other_are_refused_and_others_run(run):
    circle = "".join(
        RIGHT.replace("test_right", one).replace("models", f"assumes=['{other}'], models")
        for one, other in (("test_a", "test_b"), ("test_b", "test_a"))
    )
    run.file(circle + RIGHT)
    assert "assume each other" in run().stderr.str()
    assert "assume each other" in run("-k", "test_a").stderr.str()
    run("-k", "right").assert_outcomes(passed=1, deselected=2)


@pytest.mark.parametrize("kind", WRONG)
def test_a_mistake_in_a_test_with_a_skip_mark_stops_nothing(run, kind):
    run.file(WRONG[kind].replace("async", "@pytest.mark.skip\nasync") + RIGHT)
    run().assert_outcomes(passed=1, skipped=1)


def test_a_node_id_with_a_model_finds_the_mistake(run):
    run.file(MARK.replace("[YES]", "[YES, NO]"))
    result = run("test_it.py::test_wrong[scripted/yes]")
    assert "max_trails" in result.stdout.str()
    run.file(BODY.replace("[YES]", "[YES, NO]"))
    assert "case" in run("test_it.py::test_wrong[scripted/yes]").stdout.str()
    assert run("-k", "scripted/no").ret == pytest.ExitCode.INTERRUPTED


def test_a_test_that_lacks_its_mark_is_told_under_a_mark_expression(run):
    run.file(RIGHT + "async def test_unmarked(model): pass\n")
    assert "is not a hypothesis" in run("-m", "hypothesis").stdout.str()
    assert run("-k", "right", "-m", "").ret == 0


def test_tests_of_the_same_file_run_when_errors_of_collection_are_to_be_passed_over(run):
    run.file(MARK + RIGHT)
    run("--continue-on-collection-errors").assert_outcomes(passed=1, errors=1)


def test_a_recorded_run_meets_the_mistake_of_its_test(run):
    run.file(RIGHT)
    assert run().ret == 0
    run.file(RIGHT.replace("models", "model_ids"))
    result = run(f"--velo-rescore-run={run.record.folder.name}")
    assert "model_ids" in result.stdout.str() + result.stderr.str()
