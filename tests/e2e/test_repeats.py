"""`velo rerun` and `velo replicate`: what is repeated, paired or fresh, and what both runs say."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from pytest_velo.records import Outcome, RepeatKind
from support.importing import imported_anew

PYTEST = ("-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function")
TESTS = """
@pytest.mark.hypothesis(rate >= 0.3, models=["lab/old", "lab/older"], max_trials=60)
def test_pinned(model):
    assert model("pinned?").text == "yes"

@pytest.mark.hypothesis(rate >= 0.3, cases=["x", "y", "z"], max_trials=60)
def test_cases(model, case, trial):
    trial.note(str(trial.rng.random()))
    assert model(f"{case}?").text == "yes"

@pytest.mark.hypothesis(rate >= 0.3, cases=[f"c{n}" for n in range(90)], over="population", max_trials=40)
def test_population(model, case):
    assert model(f"{case}?").text == "yes"

@pytest.mark.hypothesis(rate >= 0.3, max_trials=60)
def test_alone(trial):
    assert trial.rng.random() < 0.8
"""


@pytest.fixture
def velo(run, lab, monkeypatch):
    """Run a command in this process, on tests of two models; the new one always says no."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LAB_KEY", "k")
    lab.answer = lambda body: lab.reply(body, 0.0 if body["model"] == "new" else 0.7)
    run.ini(f"velo_endpoints = {lab.endpoint}\nvelo_model = lab/old")
    run.file(TESTS)

    def go(*arguments: str) -> tuple[int, str]:
        with imported_anew(run.path):
            done = CliRunner().invoke(main, [*arguments, *PYTEST])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done.exit_code, " ".join(done.output.split())

    return go


def page_of(run) -> str:
    """Return the page of the latest run."""
    path = run.path / "page.html"
    done = CliRunner().invoke(main, ["report", "-o", str(path)])
    assert done.exit_code == 0, done.output
    return path.read_text(encoding="utf-8")


def test_a_rerun_asks_another_model_the_same_and_says_what_moved(run, lab, velo):
    run("-q", "-m", "velo")
    first = run.record
    n_calls = len(lab.calls)
    code, told = velo("rerun", "--on", "lab/new", "--dry-run")
    assert code == 0
    assert "model lab/new" in told
    assert len(lab.calls) == n_calls

    code, told = velo("rerun", "--on", "lab/new", "--fail-on-worse", "-q")
    again = run.record
    assert {body["model"] for body in lab.calls[n_calls:]} == {"new"}
    assert (again.document.repeats.kind, again.document.repeats.run) == (RepeatKind.RERUN, first.folder.name)
    assert [result.node_id.split("::")[1] for result in again.results] == [
        "test_pinned",
        "test_cases",
        "test_population",
    ]
    mine, its = (one.by_node_id["test_it.py::test_cases"].trials for one in (first, again))
    paired = list(zip(mine, its, strict=False))
    assert all((a.case_id, a.seed) == (b.case_id, b.seed) for a, b in paired)
    assert "supported -> refuted" in told
    assert "4 comparisons, together at 5% (Holm)" in told
    assert "it asks no model" in told
    assert code == ("worse: it fell" in told)
    page = page_of(run)
    assert f"A rerun of {first.folder.name} on lab/new" in page
    assert "0 of 3 came out as before" in page

    code, _ = velo("rerun", first.folder.name, "--on", "lab/newest", "--budget", "0", "-k", "cases", "-q")
    assert run.record.results[0].outcome in (Outcome.INCONCLUSIVE, Outcome.ERROR)
    assert {body["model"] for body in lab.calls} <= {"old", "older", "new"}


def test_a_replication_is_on_fresh_draws_and_multiplies_the_evidence(run, lab, velo):
    run("-q", "-m", "velo")
    first = run.record
    code, told = velo("replicate", "-q")
    second = run.record
    assert code in (0, 1)
    by_name = {result.node_id.split("::")[1]: result for result in second.results}
    for name, result in by_name.items():
        old = first.by_node_id[f"test_it.py::{name}"]
        found = result.replication
        assert found.outcome is old.outcome
        assert (found.n_runs, found.why_not) == (2, "")
        then, now = old.decision.evidence, result.decision.evidence
        assert found.log_e_support == pytest.approx(then.log_e_support + now.log_e_support)
        addresses = [{call.address for trial in one.trials for call in trial.calls} for one in (old, result)]
        assert not addresses[0] & addresses[1]
    seeds = [
        [trial.seed for trial in one.by_node_id["test_it.py::test_alone"].trials] for one in (first, second)
    ]
    assert not set(seeds[0]) & set(seeds[1])
    cases = [
        {trial.case_id for trial in one.by_node_id["test_it.py::test_population"].trials}
        for one in (first, second)
    ]
    assert not cases[0] & cases[1]
    assert "replicated" in told
    page = page_of(run)
    assert f"Replication 1 of {first.folder.name}, on fresh draws" in page
    assert page.count(", of 2 runs</td>") == len(by_name)

    n_calls = len(lab.calls)
    velo("replicate", first.folder.name, "--number", "1", "-q", "-n", "2")
    assert len(lab.calls) == n_calls
    assert [result.replication for result in run.record.results] == [
        result.replication for result in second.results
    ]
    velo("replicate", "-k", "alone", "-q")  # of a replication: the next one of the first run
    third = run.record
    assert (third.document.repeats.run, third.document.repeats.number) == (first.folder.name, 2)
    assert third.results[0].replication.n_runs == 3


def test_a_changed_body_is_not_multiplied(run, velo):
    run("-q", "test_it.py::test_alone")
    path = run.path / "test_it.py"
    path.write_text(path.read_text().replace("< 0.8", "< 0.7"))
    velo("replicate", "-q")
    found = run.record.results[0].replication
    assert (found.combined, found.why_not) == ("", "the body was another one")


def test_what_the_record_fixes_is_refused(run, velo):
    run("-q", "test_it.py::test_alone")
    for command in (("rerun", "--on", "lab/new"), ("replicate",)):
        code, told = velo(*command, "--velo-seed=3")
        assert code == 1
        assert "--velo-seed is fixed by the record" in told
    code, told = velo("rerun", "--on", "lab/new")
    assert code == 1
    assert "none of its hypotheses can be repeated: it asks no model" in told
