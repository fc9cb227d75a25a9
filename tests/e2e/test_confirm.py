"""`--velo-profile=confirm`: a frozen claim, fresh draws, and every further try said to be one."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from support.importing import imported_anew

QUIET = ("-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function")
CONFIRM = ("-q", "--velo-profile=confirm")
NOISE = """
@pytest.mark.hypothesis(rate >= {edge}, max_trials={most})
def test_noise(model, trial):
    trial.note(str(trial.rng.random()))
    assert model("?").text == "yes"
"""


@pytest.fixture
def noisy(run, lab, monkeypatch):
    """Write the test with a threshold and a horizon; its model says yes six times of ten."""
    monkeypatch.setenv("LAB_KEY", "k")
    lab.share = 0.6
    run.ini(f"velo_endpoints = {lab.endpoint}\nvelo_model = lab/m")

    def write(edge: float, most: int = 60) -> None:
        run.file(NOISE.format(edge=edge, most=most))

    return write


def test_a_changed_claim_is_a_further_confirmation_on_draws_of_its_own(run, lab, noisy):
    noisy(0.3)
    run("-q", "-m", "velo")
    explored = run.record.results[0]
    n_explored = len(lab.calls)
    run(*CONFIRM, "-m", "velo")
    first = run.record.results[0]
    n_first = len(lab.calls)
    noisy(0.9)
    run(*CONFIRM, "-m", "velo")
    second = run.record.results[0]
    n_second = len(lab.calls)
    noisy(0.3)
    told = run(*CONFIRM[1:], "-m", "velo").stdout.str()
    again = run.record.results[0]

    assert n_explored < n_first < n_second == len(lab.calls)
    assert (first.confirmation.number, first.confirmation.earlier) == (1, ())
    assert (second.confirmation.number, second.confirmation.earlier) == (2, ("supported",))
    assert again.confirmation == first.confirmation
    assert again.outcome is first.outcome
    assert first.confirmation.frozen_at <= first.oldest_draw
    rng = [[trial.notes for trial in result.trials] for result in (explored, first, second)]
    assert len({each[0] for each in rng}) == 3
    assert f"confirmed: frozen {first.confirmation.frozen_at[:10]}" in told
    assert "fresh draws" in told


@pytest.mark.parametrize("change", ["max_trials", "seed", "body"])
def test_what_else_is_frozen(run, noisy, change):
    noisy(0.3)
    run(*CONFIRM, "-m", "velo")
    if change == "max_trials":
        noisy(0.3, 61)
    if change == "body":
        path = run.path / "test_it.py"
        path.write_text(path.read_text().replace('== "yes"', '!= "no"'))
    run(*CONFIRM, "-m", "velo", *(["--velo-seed=7"] if change == "seed" else []))
    found = run.record.results[0]
    assert found.confirmation.earlier == ("supported",)
    assert "the 2nd confirmation of this test: the 1st was supported" in " ".join(found.facts)


def test_a_plan_freezes_nothing_and_replay_finds_the_draws_without_the_record_of_frozen_claims(run, noisy):
    noisy(0.3)
    run(*CONFIRM, "--velo-mode=estimate")
    frozen = run.path / ".pytest_velo" / "draws.sqlite-frozen"
    assert not frozen.exists()
    run(*CONFIRM, "-m", "velo", "-n", "2")
    first = run.record.results[0]
    assert frozen.exists()
    for path in frozen.parent.glob("draws.sqlite-frozen*"):
        path.unlink()
    run(*CONFIRM, "--velo-mode=replay")
    again = run.record.results[0]
    assert again.outcome is first.outcome
    assert again.confirmation.frozen_at == ""
    assert "not known here" in again.facts[-1]


def test_a_confirmation_on_cases_is_picked_anew_and_can_be_rescored(run, noisy, monkeypatch):
    noisy(0.3)
    run.file("""
@pytest.mark.hypothesis(rate >= 0.3, cases=["a", "b", "c", "d", "e"], max_trials=60)
def test_picks(trial, case):
    assert trial.rng.random() < 0.7
""")
    run("-q")
    explored = [trial.case_id for trial in run.record.results[0].trials]
    run("-q", "--velo-profile=confirm")
    confirmed = run.record
    picked = [trial.case_id for trial in confirmed.results[0].trials]
    n = min(len(explored), len(picked))
    assert explored[:n] != picked[:n]
    with imported_anew(run.path):
        done = CliRunner().invoke(main, ["rescore", "-q", *QUIET])
    assert done.exit_code == 0, done.output
    again = run.record.results[0]
    assert [trial.case_id for trial in again.trials] == picked
    assert not [notice for notice in again.notices if "cases have changed" in notice]
