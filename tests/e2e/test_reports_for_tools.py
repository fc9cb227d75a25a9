"""`--velo-report`: a run in the formats of other tools, and what is said where that cannot be."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_velo.report.exports.spans import EVENT
from support.tracing import in_memory

REPORTS = (Path(__file__).parents[2] / "docs" / "how-to" / "reports.md").read_text(encoding="utf-8")

RUN = """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_yes(model):
    "It says yes."
    return (await model("Sure?")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
async def test_no(model):
    return (await model("Sure?")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5)
async def test_coin(trial):
    return trial.rng.random() < 1
"""


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="ascii"))


def flat(text: str) -> str:
    """Return text without white space: a long path is broken anywhere."""
    return "".join(text.split())


def test_one_file_for_a_run_of_one_model_and_one_beside_it_for_each_of_several(run):
    run.file(RUN)
    result = run("--velo-report=eee:one.json", "-k", "yes or coin")
    assert result.ret == 0
    (entry,) = read(run.path / "one.json")["evaluation_results"]
    measured = run.record["test_yes"].decision.evidence
    assert entry["score_details"]["score"] == measured.estimate == 1.0
    assert entry["score_details"]["uncertainty"]["num_samples"] == measured.n
    assert entry["metric_config"]["evaluation_description"] == "It says yes."
    text = flat(result.stdout.str())
    assert flat(f"report: eee: {run.path}/one.json; without test_it.py::test_coin") in text

    result = run("--velo-report=eee:two.json", "--velo-report", "eee:data/mine")
    assert {path.name for path in run.path.glob("*.json")} == {
        "one.json",
        "two-scripted-no.json",
        "two-scripted-yes.json",
    }
    folders = {path.relative_to(run.path).parent.as_posix() for path in run.path.glob("data/**/*.json")}
    assert folders == {"data/mine/scripted/no", "data/mine/scripted/yes"}
    assert flat(f"2 files in {run.path}") in flat(result.stdout.str())


def test_the_environment_and_the_ini_file_ask_for_it_too(run, monkeypatch):
    run.file(RUN)
    (run.path / "sub").mkdir()
    run.ini("velo_report = eee:ini.json")
    monkeypatch.chdir(run.path / "sub")
    run(str(run.path / "test_it.py"), "-k", "yes")
    assert (run.path / "ini.json").is_file()  # beside the ini file, as a cassette's path is
    monkeypatch.setenv("VELO_REPORT", "eee:env.json")
    run(str(run.path / "test_it.py"), "-k", "yes")
    assert (run.path / "sub" / "env.json").is_file()


MISTAKES = {
    "pdf:out.pdf": ("one of html, md, inspect, eee",),
    "eee": ("eee: is followed by a file or a folder", "eee:FILE.json"),
    "eee: ": ("eee: is followed by a file or a folder", "eee:FILE.json"),
    "iinspect:x": ("did you mean", "inspect"),
    "eee:test_it.py/x.json": ("cannot be written", "name a file or folder"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_report_that_cannot_be_is_said_before_anything_is_paid_for(run, mistakes, lab, text):
    told = mistakes.refused(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_it(model):
    return (await model("Sure?")).answers("yes")
""",
        f"--velo-report={text}",
        "-m",
        "velo",
    )
    assert mistakes.code == pytest.ExitCode.USAGE_ERROR
    assert told.startswith("--velo-report: ")
    assert all(part in told for part in MISTAKES[text])
    assert lab.calls == []


@pytest.mark.skipif(find_spec("inspect_ai") is not None, reason="inspect_ai is installed")
def test_a_log_of_inspect_without_inspect_names_the_extra(run, mistakes):
    told = mistakes.refused(RUN, "--velo-report=inspect:logs/")
    assert mistakes.code == pytest.ExitCode.USAGE_ERROR
    assert "inspect_ai" in told
    assert "pip install 'pytest-velo[inspect]'" in told


def test_a_report_that_cannot_be_written_at_the_end_fails_the_session(run):
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_yes(model, request_path):
    return (await model("Sure?")).answers("yes")

@pytest.fixture(scope="session")
def request_path():
    import pathlib
    yield 1
    pathlib.Path("out.json").mkdir()
"""
    )
    result = run("--velo-report=eee:out.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)  # the verdict stands
    text = flat(result.stdout.str())
    assert flat(f"error eee:{run.path}/out.json: the report cannot be written: Is a directory") in text
    assert flat("fix: name another file or folder and run again") in text
    assert run.outcomes == ["supported"]
    assert [*run.path.glob(".out*")] == []  # no half-written file


def test_where_nothing_was_sampled_no_report_is_written_and_that_is_said(run, lab):
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_it(model):
    return (await model("Sure?")).answers("yes")
"""
    )
    (run.path / "out.json").write_text("old", encoding="ascii")
    result = run("--velo-report=eee:out.json")
    assert result.ret == 0
    assert flat(f"eee: nothing written to {run.path}/out.json: nothing was sampled") in flat(
        result.stdout.str()
    )


def test_no_key_reaches_a_report(run, lab):
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_it(model):
    return (await model("Sure?")).answers("yes")
"""
    )
    run("-m", "velo", "--velo-report=eee:out.json")
    (key,) = lab.keys
    assert key.removeprefix("Bearer ") not in (run.path / "out.json").read_text(encoding="ascii")


@pytest.mark.processes
def test_an_interrupted_run_has_what_is_known(run):
    run.file(
        RUN
        + """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_zz(model):
    raise KeyboardInterrupt
"""
    )
    result = run.apart("--velo-report=eee:out.json", "-k", "yes or zz", "--velo-scheduler=in-order")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    names = [entry["evaluation_name"] for entry in read(run.path / "out.json")["evaluation_results"]]
    assert "test_it.py::test_yes" in names


@pytest.mark.processes
def test_workers_leave_one_report_to_their_controller(run):
    run.file(RUN)
    result = run("-n", "2", "--velo-report=eee:out.json", "-k", "yes or no")
    assert result.ret == 1
    found = {path.name for path in run.path.glob("*.json")}
    assert found == {"out-scripted-no.json", "out-scripted-yes.json"}
    (entry,) = read(run.path / "out-scripted-yes.json")["evaluation_results"]
    assert entry["score_details"]["uncertainty"]["num_samples"] == run.record["test_yes"].decision.evidence.n


def test_a_tracer_that_is_set_up_is_told(run, lab):
    run.file(
        RUN
        + """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_paid(model):
    return (await model("Sure?")).answers("yes")
"""
    )
    with in_memory() as exporter:
        run()
        first = exporter.get_finished_spans()
        exporter.clear()
        run("-m", "velo", "-k", "paid")
        made = exporter.get_finished_spans()
        exporter.clear()
        run("-m", "velo", "-k", "paid")
        replayed = exporter.get_finished_spans()
    names = [span.attributes["test.case.name"] for span in first if span.name == "hypothesis"]
    assert names == [f"test_it.py::test_{name}" for name in ("yes", "no", "coin")]  # test_paid is skipped
    labels = [
        event.attributes["gen_ai.evaluation.score.label"]
        for span in first
        if span.name == "hypothesis"
        for event in span.events
        if event.name == EVENT
    ]
    assert labels == ["supported", "refuted", "supported"]
    chats = [span for span in made if span.name == "chat tiny"]
    trials = [span for span in made if span.name == "trial"]
    assert len(chats) == len(trials) == len(run.record["test_paid"].trials)
    assert all(span.attributes["gen_ai.usage.output_tokens"] == 5 for span in chats)
    assert [span.name for span in replayed if span.name.startswith("chat")] == []
    assert len(replayed) == len(trials) + 1
    (key,) = lab.keys
    assert key.removeprefix("Bearer ") not in "".join(span.to_json() for span in made)


def test_a_family_that_decides_late_is_told_of_again(run):
    run.file(
        """
@pytest.mark.parametrize("ones", [10, 9, 8, 7])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_up(trial, ones):
    return (trial.index * 7) % 10 < ones
"""
    )
    with in_memory() as exporter:
        run("--velo-multiplicity=holm")
        spans = [span for span in exporter.get_finished_spans() if span.name == "hypothesis"]
    late = [span for span in spans if span.attributes.get("velo.decided_late")]
    assert [span.attributes["test.case.name"] for span in late] == ["test_it.py::test_up[7]"]
    assert late[0].events[0].attributes["gen_ai.evaluation.score.label"] == "supported"
    assert len(spans) == 4 + 1


@pytest.mark.processes
def test_the_tracer_of_the_documents_is_told(run):
    pytest.importorskip("opentelemetry.sdk", reason="pip install 'pytest-velo[dev]'")
    (code,) = re.findall(r"^```python\n(# conftest\.py\n.*?)^```", REPORTS, re.MULTILINE | re.DOTALL)
    run.file(RUN)
    (run.path / "conftest.py").write_text(code, encoding="utf-8")
    result = run.apart("-s", "-k", "yes")
    assert result.ret == 0
    text = result.stdout.str()
    assert text.count(f'"name": "{EVENT}"') == len(run.record["test_yes"].trials) + 1
    assert '"gen_ai.evaluation.score.label": "supported"' in text


def test_a_report_without_a_record_is_an_error_below_the_verdicts(run):
    run.file(
        """
import shutil

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_yes(model, lost):
    return (await model("Sure?")).answers("yes")

@pytest.fixture(scope="session")
def lost():
    yield
    shutil.rmtree(".pytest_velo/runs")
"""
    )
    result = run("--velo-report=eee:out.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "INTERNALERROR" not in result.stdout.str()
    result.assert_outcomes(passed=1)
    assert flat(f"error eee:{run.path}/out.json: the report cannot be written") in flat(result.stdout.str())


def test_the_record_has_the_target_of_a_case_that_names_one(run):
    run.file(
        """
TARGETS = [{"q": "a", "target": 4}, {"q": "b", "target": ["c", "d"]}]

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=TARGETS)
async def test_targets(model, case):
    return (await model(case.q)).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=["a", "b"])
async def test_none(model, case):
    return (await model(case)).answers("yes")
"""
    )
    run()
    assert {trial.target for trial in run.record["test_targets"].trials} == {"4", ("c", "d")}
    assert {trial.target for trial in run.record["test_none"].trials} == {""}
    lines = run.record.trials("test_it.py::test_none")
    assert not any("target" in line for line in lines)  # as in records that know nothing of targets
