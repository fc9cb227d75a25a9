"""`velo label` after a real run: labels are typed, kept through kills, and asked of the same trials."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_velo.cli.main import main
from pytest_velo.labelling import labels_in

VELO = [sys.executable, "-c", "from pytest_velo.cli.main import main; main()", "label"]

POLITE = """
import json
from pytest_velo import labels
CLERK = scripted("clerk", ["Certainly, sir.", "Certainly, madam.", "No.", "Not today."])
def grade(request):
    return json.dumps({"answer": "GOOD" if "Certainly" in request.messages[-1]["content"] else "BAD"})

@pytest.mark.hypothesis(rate >= 0.5, cases=[{"ask": "a receipt"}, {"ask": "a table"}], models=[CLERK],
    judge=scripted("grader", grade), max_trials=100, min_trials=100)
async def test_polite(model, judge, case):
    reply = await model(f"May I have {case.ask}?")
    return await judge("Is it polite?", reply)
"""
AGREES = POLITE.replace("GOOD", "yes").replace("BAD", "no")


def label(run, *words: str, typed: str = "") -> Result:
    done = CliRunner().invoke(main, ["label", *words], input=typed, env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def polite(run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of a hypothesis with a judge, and where its labels go."""
    monkeypatch.chdir(run.path)
    run.file(AGREES)
    run()
    assert len(run.record["test_polite"].trials) == 100
    return run.path / "labels.csv"


def test_labels_are_typed_and_the_next_session_goes_on(run, polite: Path) -> None:
    first = label(run, "--question", "Is it polite?", typed="y\nn\nq\n").output
    assert "5 trials to label, into labels.csv" in first
    assert "May I have a " in first
    assert "grader" not in first
    assert '"answer"' not in first
    second = label(run, typed="s\nu\nn rude\ny\ny\n").output
    assert "1 of 3" in second
    assert "labels.csv: 5 labels (3 yes, 2 no) of this test" in second
    assert 'in the mark: truth=labels("labels.csv")' in second
    assert [found.label for found in labels_in(polite)] == [True, False, False, True, True]


def test_a_judge_that_says_the_contrary_changes_nothing_of_what_is_seen(run, polite: Path) -> None:
    typed = "y\nn\ns\ny\nn\n"
    first, rows = label(run, typed=typed).output, labels_in(polite)
    polite.unlink()
    run.file(POLITE.replace("GOOD", "no").replace("BAD", "yes"))
    run()
    assert label(run, typed=typed).output == first
    assert [found.trial for found in labels_in(polite)] == [found.trial for found in rows]


def test_another_reply_is_another_trial(run, polite: Path) -> None:
    label(run, typed="y\ny\ny\ny\ny\n")
    run.file(AGREES.replace("Certainly, ", "Certainly, dear "))
    run()
    said = label(run, typed="q\n").output
    n_changed = sum("dear" in line for line in said.splitlines())
    assert n_changed >= 1
    assert "no trial of this run is left" not in said


def test_a_longer_run_keeps_the_labels(run, polite: Path) -> None:
    label(run, typed="y\ny\ny\ny\ny\n")
    run.file(AGREES.replace("max_trials=100, min_trials=100", "max_trials=200, min_trials=200"))
    run()
    assert "5 trials to label" in label(run, typed="q\n").output


def test_labels_are_beside_the_test_wherever_the_command_is_typed(run, monkeypatch) -> None:
    run.ini("")
    run.file(AGREES, name="tests/deep/test_it.py")
    run("tests")
    monkeypatch.chdir(run.path)
    said = label(run, typed="y\nq\n").output
    assert "into tests/deep/labels.csv" in said
    assert 'truth=labels("labels.csv")' in said
    assert len(labels_in(run.path / "tests/deep/labels.csv")) == 1
    (run.path / "mine").mkdir()
    assert 'truth=labels("../../mine/zoe.csv")' in label(run, "--to", "mine/zoe.csv", typed="y\nq\n").output


def test_a_run_is_labelled_and_decided_by_what_was_typed(run, monkeypatch) -> None:
    """The judge finds "Certainly not." polite, and half of the replies are that."""
    monkeypatch.chdir(run.path)
    judged = AGREES.replace('"No.", "Not today."', '"Certainly not.", "Certainly not!"').replace(
        "max_trials=100, min_trials=100", "max_trials=600"
    )
    run.file(judged)
    run()
    assert run.outcomes == ["supported"], "the judge finds all of them polite"
    run.file(
        judged.replace("rate >= 0.5", "rate <= 0.8").replace(
            "max_trials=600", 'max_trials=600, truth=labels("labels.csv", every=5, by="zoe")'
        ),
    )
    for _ in range(6):
        run()
        if run.outcomes != ["inconclusive"]:
            break
        waiting = run.record["test_polite"].truth.n_waiting
        known = {found.trial for found in labels_in(run.path / "labels.csv")} if _labelled(run) else set()
        rows = [row for row in run.record["test_polite"].to_label() if row["trial"] not in known]
        typed = "".join("n no\n" if "not" in row["transcript"] else "y\n" for row in rows)
        said = label(run, typed=typed).output
        assert f"{waiting} trials to label, into labels.csv" in said
        assert "in the mark" not in said, "it is there already"
        assert "no trial of this run is left" in said
    assert run.outcomes == ["supported"]
    truth = run.record["test_polite"].truth
    assert truth.by == "zoe"
    assert 5 <= truth.n_labelled <= len(labels_in(run.path / "labels.csv"))
    said_of = {row["trial"]: row["label"] for row in run.record.rows() if row["label"] is not None}
    assert said_of == dict(truth.labels)
    assert CliRunner().invoke(main, ["report", "-o", "page.html"]).exit_code == 0
    html = (run.path / "page.html").read_text(encoding="utf-8")
    assert "people: <strong>no</strong> · judged: <strong>yes</strong>" in html


def _labelled(run) -> bool:
    return (run.path / "labels.csv").exists()


@pytest.mark.processes
def test_a_killed_session_loses_nothing(run, polite: Path) -> None:
    with subprocess.Popen(
        VELO, cwd=run.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("y\nn\n")
        process.stdin.flush()
        for line in process.stdout:
            if line.startswith("3 of 5"):
                break
        process.kill()
    assert [found.label for found in labels_in(polite)] == [True, False]
    assert "1 of 3" in label(run, typed="q\n").output
