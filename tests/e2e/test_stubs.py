"""Stubs: what stood in for something is said wherever the verdict is, never taken for the real thing."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main

MARKED = """
from pytest_velo import mean, stub

@pytest.mark.hypothesis(mean(0, 10) >= 7, models=[stub("An essay.", "no key yet")],
                        judge=stub(lambda text: 9, "no rubric yet"))
async def test_essays(model, judge):
    "Essays are good."
    return await judge.score("Rate it.", await model("Write."))

@pytest.mark.hypothesis(rate >= 0.3, cases=cases(stub(["a", "b"], "invented"), n=2))
def test_made_up(velo, case):
    limit = velo.stub(3, "no real limit")
    return len(case) < limit

@pytest.mark.hypothesis(rate >= 0.3, models=[YES], judge=stub(True, "declared, and not used"))
def test_untouched(model):
    return model("?") == "yes"

class TestItsJudge:
    @pytest.fixture
    def judge(self):
        return stub(lambda question, text: question == "Is it?" and text == "yes", "from a fixture")

    @pytest.fixture
    def limit(self):
        return stub(2, "a guess")

    @pytest.mark.hypothesis(rate >= 0.3, models=[YES])
    def test_plain(self, model, judge, limit):
        return limit == 2 and judge("Is it?", model("?"))

class TestItsModel:
    @pytest.fixture
    def model(self):
        return stub(["maybe"], "a model of its own")

    @pytest.mark.hypothesis(rate >= 0.3)
    async def test_its_own_model(self, model):
        return (await model("?")).answers("maybe")
"""


def stubs(run) -> dict[str, list[tuple[str, str]]]:
    """What each hypothesis says was stubbed, by the name of its test."""
    return {
        result.node_id.split("::")[-1]: [(each.what, each.why) for each in result.stubs]
        for result in run.record.results
    }


def test_a_verdict_says_what_was_stubbed_and_used_and_why(run):
    source = run.file(MARKED)
    result = run("-v", "--velo-report=html:page.html", "--velo-report=md:run.md", "--junitxml=junit.xml")
    assert result.ret == 0
    assert stubs(run) == {
        "test_essays": [("model", "no key yet"), ("judge", "no rubric yet")],
        "test_made_up": [("cases", "invented"), ("value", "no real limit")],
        "test_untouched": [],
        "test_plain": [("limit", "a guess"), ("judge", "from a fixture")],
        "test_its_own_model": [("model", "a model of its own")],
    }
    (at,) = (n for n, line in enumerate(source.read_text().splitlines(), 1) if "no real limit" in line)
    assert [each.where for each in run.record.results[1].stubs][1] == f"test_it.py:{at}"
    said = "supported (model and judge stubbed)"
    result.stdout.fnmatch_lines(
        ["*::test_essays SUPPORTED (model and judge stubbed)*", "*::test_untouched SUPPORTED *", f"? {said}*"]
    )
    for name in ("page.html", "run.md", "junit.xml"):
        assert said in (run.path / name).read_text(), name
    shown = CliRunner().invoke(main, ["show", "latest", "test_essays", "--cache-dir", ".pytest_velo"])
    assert f"{said}: " in shown.output
    assert "judge: no rubric yet (test_it.py:" in " ".join(shown.output.split())


def test_strict_takes_no_verdict_that_rests_on_a_stub(run):
    run.file(MARKED)
    result = run("--velo-strict", "-v")
    assert result.ret == 1
    result.assert_outcomes(failed=4, passed=1)
    text = " ".join(result.stdout.str().split())
    assert "--velo-strict takes no verdict that rests on 2 stubs: model: no key yet (test_it.py:" in text
    assert "fix: put the real thing in its place" in text
    result.stdout.fnmatch_lines(["*::test_essays SUPPORTED (model and judge stubbed)*"])


@pytest.mark.processes
def test_workers_say_the_same(run):
    run.file(MARKED)
    assert run("-n", "2").ret == 0
    alone = stubs(run)
    run()
    assert alone == stubs(run)


def test_a_plan_lists_stubs_before_anything_is_drawn(run):
    run.file(MARKED)
    shown = CliRunner().invoke(main, ["plan", "-p", "no:randomly"])
    assert shown.exit_code == 0, shown.output
    head, _, _ = shown.output.partition("\n\n")
    assert head.startswith("4 stubs:\n")
    for told in ("judge (no rubric yet) in test_essays", "cases (invented)", "value (no real limit)"):
        assert told in head
    assert run.n_runs == 0


REAL_MODEL = """
from pytest_velo import stub
JUDGE = {judge}

@pytest.mark.hypothesis(rate >= {claim}, models=["lab/tiny"], judge=JUDGE, max_trials={most})
def test_it(model, judge):
    return judge("Is it?", model("?"))
"""
STUB = 'stub(True, "no judge yet")'
JUDGE = """scripted("grader", lambda request: '{"answer": "yes"}')"""


def test_a_look_through_a_stub_is_none_at_the_real_thing(run, lab):
    run.file(REAL_MODEL.format(judge=STUB, claim=0.5, most=20))
    assert run("-m", "velo").ret == 0
    n_calls = len(lab.calls)
    run.file(REAL_MODEL.format(judge=JUDGE, claim=0.5, most=40))
    result = run("-m", "velo", "--velo-strict")
    assert result.ret == 0, result.stdout.str()
    assert len(lab.calls) == n_calls  # the model was real: its draws are there
    (real,) = run.record.results
    assert real.stubs == ()
    (told,) = real.notices
    assert told.startswith("exploratory: what was stubbed changed")
    run.file(REAL_MODEL.format(judge=JUDGE, claim=0.5, most=60))
    assert run("-m", "velo", "--velo-strict").ret == 1  # the second real look counts the first
    exported = CliRunner().invoke(main, ["cassette", "export", "c.jsonl", "--cache-dir", ".pytest_velo"])
    assert exported.exit_code == 0, exported.output
    assert '"stub' not in (run.path / "c.jsonl").read_text()


def test_no_baseline_is_stored_from_a_stub(run):
    run.file("""
from pytest_velo import baseline, stub

@pytest.mark.hypothesis(rate >= baseline - 0.1, models=[stub("yes", "no key yet")], max_trials=20)
def test_it(model):
    return model("?") == "yes"
""")
    run("--velo-update")
    (result,) = run.record.results
    assert any("no baseline was stored" in fact and "no key yet" in fact for fact in result.facts)
    assert [*run.path.glob("*baseline*.json")] == []


def test_mistakes_with_stubs_are_said(mistakes):
    head = "from pytest_velo import stub\n"
    mark = "@pytest.mark.hypothesis(rate >= 0.5, {})\ndef test_{}:\n    return {}\n"
    read = mistakes.files(
        {
            "no_reason": f'{head}JUDGE = stub(8, " ")',
            "no_text": head + mark.format('models=[stub(3, "w")]', "it(model)", "model('?') == 'yes'"),
            "no_value": head
            + mark.format('judge=stub("good", "w")', "answer(judge)", "judge('Is it?', 'x')"),
        },
        "--continue-on-collection-errors",
    )
    told = " ".join(read.values())
    assert "a stub needs its reason, got ' '" in told
    assert "a stubbed model must say a text, got int" in told
    assert "the stubbed judge gave str: judge(...) needs True or False" in told


def test_an_endpoint_cannot_take_the_name_of_stubs(run):
    run.ini("velo_endpoints =\n    stub: api=openai-chat base_url=http://127.0.0.1:9/v1 price=free")
    run.file("")
    result = run("--velo-seed=0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'stub' is kept" in result.stderr.str()


def test_what_a_hostile_name_says_is_shown_as_text(run):
    run.file("""
from pytest_velo import stub

@pytest.mark.hypothesis(rate >= 0.3, cases=stub([1, 2], "</script>\\x1b[31m::error::"))
def test_it(case):
    return case > 0
""")
    result = run("-vv", "--velo-report=html:page.html")
    assert result.ret == 0
    assert "\x1b[31m" not in result.stdout.str()
    assert "</script>\x1b" not in (run.path / "page.html").read_text()
    (told,) = run.record.results
    assert json.dumps([each.why for each in told.stubs]) == r'["</script>\u001b[31m::error::"]'
