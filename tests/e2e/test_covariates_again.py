"""A covariate in what is replayed, rerun on another model, replicated and compared."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from support.importing import imported_anew

PYTEST = ("-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function")
LEVELS = """
CASES = [{"id": f"q{level}", "question": f"level {level}", "level": level} for level in range(40)]

@pytest.mark.hypothesis(rate >= 0.35, cases=CASES, covariate="level", max_trials=300)
def test_levels(model, case):
    return model(case.question).text == "yes"
"""


@pytest.fixture
def pupil(run, lab, monkeypatch):
    """Declare a model that is right on easy levels, and usually wrong on hard ones."""
    monkeypatch.setenv("LAB_KEY", "k")
    monkeypatch.setenv("COLUMNS", "200")

    def answer(body):
        level = int(body["messages"][-1]["content"].split()[-1])
        return lab.reply(body, max(0.02, 1 - level / 50) if body["model"] == "old" else 0.02)

    lab.answer = answer
    run.ini(f"velo_endpoints = {lab.endpoint}\nvelo_model = lab/old")
    run.file(LEVELS)
    run("-q", "-m", "velo")
    found = run.record.results[0]
    assert found.covariate.used
    return found


@pytest.fixture
def velo(run):
    """Run a command in this process."""

    def go(*arguments: str) -> tuple[int, str]:
        with imported_anew(run.path):
            done = CliRunner().invoke(main, [*arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done.exit_code, " ".join(done.output.split())

    return go


def told(result):
    """Return what was found, what the covariate said, and the trials."""
    trials = [(trial.index, trial.case_id, dict(trial.values)) for trial in result.trials]
    evidence = result.decision.evidence
    return result.outcome, evidence.log_e_support, evidence.interval, result.covariate, trials


def test_a_cassette_replays_it_without_the_server(run, lab, pupil, velo):
    code, said = velo("cassette", "export", "draws.jsonl")
    assert code == 0, said
    lab.close()
    (run.path / ".pytest_velo" / "draws.sqlite").unlink()
    run("-q", "--velo-mode=replay", "--velo-cassette=draws.jsonl", "-m", "velo")
    assert told(run.record.results[0]) == told(pupil)


def test_another_model_is_paired_with_it_and_judged_with_the_same_numbers(run, lab, pupil, velo):
    code, said = velo("rerun", "--on", "lab/new", *PYTEST)
    assert code == 0, said
    found = run.record.results[0]
    assert found.model == "lab/new"
    assert found.covariate.used
    assert found.outcome.value == "refuted"
    shared = {trial.case_id: pupil.covariate.centres.get(trial.case_id) for trial in found.trials}
    assert {key: found.covariate.centres[key] for key in shared if shared[key] is not None} == {
        key: centre for key, centre in shared.items() if centre is not None
    }
    n = min(len(found.trials), len(pupil.trials))
    assert [trial.case_id for trial in found.trials[:n]] == [trial.case_id for trial in pupil.trials[:n]]
    assert "lab/old -> lab/new supported -> refuted" in said
    assert f"over {n} pairs" in said  # compared on the outcomes themselves, as any two runs


def test_fresh_draws_multiply_its_evidence(run, lab, pupil, velo):
    code, said = velo("replicate", *PYTEST)
    assert code == 0, said
    found = run.record.results[0]
    assert found.covariate.used
    assert found.replication.n_runs == 2
    before, now = pupil.decision.evidence.log_e_support, found.decision.evidence.log_e_support
    assert found.replication.log_e_support == pytest.approx(before + now)
