"""Assumptions: what is assumed is decided first, and what rests on a refuted one is not sampled."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main

CHAIN = """
from pytest_velo import mean

@pytest.mark.hypothesis(rate >= 0.3, models=[YES], assumes=["test_middle"])
def test_leaf(model):
    return model("leaf") == "yes"

@pytest.mark.hypothesis(rate >= 0.3, models=[NO])
def test_base(model):
    return model("base") == "yes"

@pytest.mark.hypothesis(rate >= 0.3, models=[YES], assumes=[test_base])
def test_middle(model):
    return model("middle") == "yes"

@pytest.mark.hypothesis(rate >= 0.5, max_trials=6)
def test_open(trial):
    return trial.index % 2 == 0

@pytest.mark.hypothesis(rate >= 0.3, models=[YES], assumes=test_open)
def test_on_open(model):
    return model("on") == "yes"

@pytest.mark.hypothesis(rate >= 0.3, models=[YES], assumes=["test_broken"])
def test_on_broken(model):
    return model("on") == "yes"

@pytest.mark.hypothesis(rate >= 0.3)
def test_broken(trial):
    raise RuntimeError("broken")

@pytest.mark.hypothesis(rate >= 0.3, models=[YES])
def test_free(model):
    return model("free") == "yes"
"""
BODY = "    return trial.index > 1"
OUTCOMES = {
    "test_base": ("refuted", True, []),
    "test_middle": ("inconclusive", False, [("test_base", "refuted")]),
    "test_leaf": ("inconclusive", False, [("test_middle", "unsampled")]),
    "test_open": ("inconclusive", True, []),
    "test_on_open": ("supported", True, [("test_open", "undecided")]),
    "test_broken": ("error", True, []),
    "test_on_broken": ("inconclusive", False, [("test_broken", "error")]),
    "test_free": ("supported", True, []),
}


def told(run) -> dict[str, tuple]:
    """Outcome, whether it was sampled, and what it assumes, by the name of each test."""
    return {
        result.node_id.split("::")[-1]: (
            result.outcome.value,
            result.n_calls > 0 or result.decision is not None,
            [(each.node_id.split("::")[-1], each.standing.value) for each in result.assumes],
        )
        for result in run.record.results
    }


def test_what_rests_on_a_void_verdict_is_told_that_nothing_is_decided(run):
    run.file(
        """
MOOD = {"good": True}

@pytest.mark.hypothesis(rate >= 0.3, min_trials=100)
def test_moody(trial):
    if trial.rng.random() < 0.1:
        MOOD["good"] = not MOOD["good"]
    return MOOD["good"]

@pytest.mark.hypothesis(rate >= 0.3, models=[YES], assumes=[test_moody])
def test_on_it(model):
    return model("on") == "yes"
"""
    )
    run("--velo-profile=explore").assert_outcomes(passed=1, failed=1)
    assert told(run)["test_on_it"] == ("supported", True, [("test_moody", "undecided")])
    [assumed] = run.record["test_on_it"].assumes
    assert assumed.told == "is supported, which F19 (dependent trials) makes void"
    run("--velo-profile=explore", "-k", "test_on_it").assert_outcomes(passed=1)
    [assumed] = run.record["test_on_it"].assumes
    assert assumed.standing.value == "undecided"
    assert "last: supported, which F19 (dependent trials) makes void" in assumed.told


def test_what_rests_on_a_refuted_or_broken_assumption_is_not_sampled(run):
    run.file(CHAIN)
    result = run("--velo-report=html:page.html")
    assert told(run) == OUTCOMES
    result.assert_outcomes(failed=1, passed=2, errors=1)
    names = [each.node_id.split("::")[-1] for each in run.record.results]
    assert names.index("test_base") < names.index("test_middle") < names.index("test_leaf")
    assert names.index("test_broken") < names.index("test_on_broken")
    assert names[-1] == "test_free"  # what has nothing to do with it keeps its place
    result.stdout.fnmatch_lines(
        [
            "*assumption refuted: test_it.py::test_base; not sampled",
            "assumptions, and what rests on them",
            "? test_base: refuted",
            "  ? test_middle: not sampled",
            "    ? test_leaf: not sampled",
        ]
    )
    page = (run.path / "page.html").read_text()
    assert "test_it.py::test_middle (not sampled) assumes test_it.py::test_base (refuted)" in page
    assert page.count("<rect ") == 7
    assert run("--velo-strict", "-k", "open").ret == 1


WORKERS = pytest.param(["-n", "2"], marks=pytest.mark.processes, id="workers")


@pytest.mark.parametrize("options", [WORKERS, ["-x", "--maxfail=9"], ["--velo-scheduler=in-order"]])
def test_workers_and_turns_come_to_the_same(run, options):
    run.file(CHAIN)
    run(*options)
    assert told(run) == OUTCOMES


PAID = """
@pytest.fixture
def mine():
    return 1

@pytest.mark.hypothesis(rate >= 0.3, models=["lab/tiny"], assumes=["test_base"])
def test_on_it(model):
    return model("on") == "yes"

@pytest.mark.hypothesis(rate >= 0.3, models=["lab/tiny"])
def test_base(model{fixture}):
    return model("base") == "yes"
"""


def prompts(lab) -> set[str]:
    return {call["messages"][-1]["content"] for call in lab.calls}


@pytest.mark.parametrize("options", [[], WORKERS])
@pytest.mark.parametrize("fixture", ["", ", mine"])
def test_nothing_is_paid_for_on_a_refuted_assumption(run, lab, options, fixture):
    lab.share = 0.0
    run.file(PAID.format(fixture=fixture))
    run("-m", "velo", *options)
    assert prompts(lab) == {"base"}
    n = len(lab.calls)
    run("-m", "velo", "-k", "test_on_it")  # its assumption is not run now, and its record stands
    (result,) = run.record.results
    assert (result.outcome.value, result.n_calls, len(lab.calls)) == ("inconclusive", 0, n)
    assert "did not run here; last: refuted, less than a day ago, same body" in result.problem
    run("--velo-mode=replay")
    assert [each.outcome.value for each in run.record.results] == ["refuted", "inconclusive"]
    assert len(lab.calls) == n


def test_a_record_of_another_body_does_not_stand(run, lab):
    lab.share = 0.0
    run.file(PAID.format(fixture=""))
    run("-m", "velo")
    run.file(PAID.format(fixture="").replace('model("base")', 'model("basis")'))
    lab.share = 1.0
    assert run("-m", "velo", "-k", "test_on_it").ret == 0
    (result,) = run.record.results
    (assumed,) = result.assumes
    assert (assumed.standing.value, result.outcome.value) == ("unknown", "supported")
    assert "the body has changed since" in assumed.told


def test_an_assumption_holds_for_the_same_model_and_else_for_all(run):
    run.file("""
@pytest.mark.hypothesis(rate >= 0.3, models=[YES, NO])
def test_base(model):
    return model("?") == "yes"

@pytest.mark.hypothesis(rate >= 0.3, models=[YES, NO], assumes=[test_base])
def test_same(model):
    return True if model("?") else False

@pytest.mark.hypothesis(rate >= 0.3, assumes=[test_base])
def test_none(trial):
    return trial.index >= 0
""")
    run()
    standings = {name: [standing for _, standing in assumes] for name, (_, _, assumes) in told(run).items()}
    assert standings["test_same[scripted/yes]"] == ["supported"]
    assert standings["test_same[scripted/no]"] == ["refuted"]
    assert standings["test_none"] == ["supported", "refuted"]


def test_mistakes_in_assumptions_are_said_before_anything_runs(mistakes):
    mark = f"@pytest.mark.hypothesis(rate >= 0.5, assumes={{}})\ndef test_{{}}(trial):\n{BODY}\n\n"

    def said(source: str) -> str:
        text = mistakes.refused(source)
        assert mistakes.code == pytest.ExitCode.USAGE_ERROR
        return text

    circle = said(
        mark.format('["test_b"]', "a") + mark.format('["test_c"]', "b") + mark.format('"test_a"', "c")
    )
    assert "test_it.py::test_a -> test_it.py::test_b -> test_it.py::test_c -> test_it.py::test_a" in circle
    assert "test_it.py::test_a -> test_it.py::test_a" in said(mark.format('["test_a"]', "a"))
    unknown = said(mark.format('["test_bas"]', "a") + mark.format('["test_a"]', "base"))
    assert "'test_bas'" in unknown
    assert "did you mean 'test_base'" in unknown
    assert "which is not a hypothesis" in said(
        "def test_plain():\n    pass\n" + mark.format("[test_plain]", "a")
    )
    estimate = "from pytest_velo import estimate\n@pytest.mark.hypothesis(estimate(rate, halfwidth=0.4))\n"
    source = f"{estimate}def test_e(trial):\n    return trial.index > 1\n\n{mark.format('[test_e]', 'a')}"
    assert "an estimate, which claims nothing" in said(source)


def test_assumptions_in_other_files_are_found_whatever_is_selected(run):
    mark = "@pytest.mark.hypothesis(rate >= 0.3, assumes=['test_low.py::test_base'])\n"
    run.file(f"{mark}def test_on_it(trial):\n    return trial.index >= 0", "test_high.py")
    run.file(
        "@pytest.mark.hypothesis(rate >= 0.3)\ndef test_base(trial):\n    return trial.index < 0",
        "test_low.py",
    )
    run("test_high.py")
    (alone,) = run.record.results
    assert [each.told for each in alone.assumes] == ["did not run here, and no earlier run tells of it"]
    run()
    assert told(run)["test_on_it"] == ("inconclusive", False, [("test_base", "refuted")])


def test_the_riskiest_per_dollar_is_decided_first(run):
    run.file("""
@pytest.mark.hypothesis(rate >= 0.3, models=[YES])
def test_likely(model):
    return model("?") == "yes"

@pytest.mark.hypothesis(rate >= 0.3, models=[NO])
def test_risky(model):
    return model("?") == "yes"

@pytest.mark.hypothesis(rate >= 0.3, assumes=[test_likely, test_risky])
def test_on_both(trial):
    return trial.index >= 0
""")
    run()
    run()
    assert [result.node_id.split("::")[-1] for result in run.record.results][:2] == [
        "test_risky",
        "test_likely",
    ]


def test_rescoring_and_planning_know_assumptions(run):
    run.file(CHAIN)
    run()
    again = CliRunner().invoke(main, ["rescore", "-p", "no:randomly", "--deselect=test_it.py::test_broken"])
    assert "recorded no trials" not in again.output
    planned = CliRunner().invoke(main, ["plan", "test_it.py", "-p", "no:randomly"])
    assert "assumes    test_it.py::test_base" in planned.output
