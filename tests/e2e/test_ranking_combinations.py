"""A ranking beside everything that repeats, stores or sends its draws elsewhere."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from support.batch_server import BatchServer
from support.importing import imported_anew

PYTEST = ("-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function")
MODELS = {"good": 0.95, "fair": 0.5, "poor": 0.1}
BEST = """
from pytest_velo import ranking

@pytest.mark.hypothesis(ranking(), models=["lab/good", "lab/fair", "lab/poor"], max_trials=200,
                        cases=[f"q{n}" for n in range(20)])
def test_best(model, case):
    return model(case).text == "yes"
"""


@pytest.fixture
def velo(run, monkeypatch):
    """Run a command in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LAB_KEY", "k")

    def go(*arguments: str, pytest_options: tuple[str, ...] = PYTEST) -> tuple[int, str]:
        with imported_anew(run.path):
            done = CliRunner().invoke(main, [*arguments, *pytest_options])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done.exit_code, " ".join(done.output.split())

    return go


@pytest.fixture
def ranked(run, lab):
    """Rank three models of a server, of which one is the best; returns what was found."""
    lab.answer = lambda body: lab.reply(body, MODELS[body["model"]])
    run.file(BEST)
    run("-q", "-m", "velo")
    found = run.record.results[0]
    assert found.decision.standings.winners == ("lab/good",)
    return found


def told(result) -> tuple[object, ...]:
    """Return what a ranking found, and its trials in their order."""
    trials = [(trial.index, trial.case_id, trial.arm, dict(trial.values)) for trial in result.trials]
    return result.outcome, result.decision.standings, result.decision.certified, trials


def test_a_second_run_pays_for_nothing(run, lab, ranked):
    n_calls = len(lab.calls)
    run("-q", "-m", "velo")
    assert told(run.record.results[0]) == told(ranked)
    assert len(lab.calls) == n_calls


def test_a_cassette_replays_it_without_the_server(run, lab, ranked, velo):
    code, said = velo("cassette", "export", "draws.jsonl", pytest_options=())
    assert code == 0, said
    lab.close()
    (run.path / ".pytest_velo" / "draws.sqlite").unlink()
    replayed = run("-q", "--velo-mode=replay", "--velo-cassette=draws.jsonl", "-m", "velo")
    assert told(run.record.results[0]) == told(ranked), replayed.stdout.str()


def test_it_is_confirmed_on_fresh_draws(run, lab, ranked):
    n_calls = len(lab.calls)
    run("-q", "--velo-profile=confirm", "-m", "velo")
    confirmed = run.record.results[0]
    assert confirmed.decision.standings.winners == ("lab/good",)
    assert confirmed.confirmation.number == 1
    assert len(lab.calls) > n_calls
    assert told(confirmed) != told(ranked)


def test_a_replication_says_who_won_then_and_now(run, lab, ranked, velo):
    code, said = velo("replicate")
    assert code == 0, said
    assert "supported (lab/good) then, supported (lab/good) now, not multiplied" in said
    assert "in a ranking each arm has evidence of its own" in said
    assert "replicated 1 of 1" in said
    found = run.record.results[0].replication
    assert (found.winners, found.combined) == (("lab/good",), "")


def test_another_winner_is_not_a_replication(run, lab, ranked, velo, monkeypatch):
    monkeypatch.setitem(MODELS, "good", 0.1)
    monkeypatch.setitem(MODELS, "poor", 0.95)
    _, said = velo("replicate", "--velo-report=html:page.html")
    assert run.record.results[0].outcome is ranked.outcome
    assert "supported (lab/good) then, supported (lab/poor) now" in said
    assert "replicated 0 of 1" in said
    assert "lab/poor" in (run.path / "page.html").read_text(encoding="utf-8")


def test_models_that_are_ranked_are_not_replaced_by_one(run, lab, ranked, velo):
    n_calls = len(lab.calls)
    code, said = velo("rerun", "--on", "lab/other")
    assert code != 0
    assert "none of its hypotheses can be repeated: its arms are models: the claim names them" in said
    assert len(lab.calls) == n_calls


class ByModel(BatchServer):
    """A server with a batch API, whose models answer as often right as `MODELS` says."""

    def share_of(self, body):
        return MODELS[body["model"]]


@pytest.mark.slow
def test_batches_draw_it_a_stage_at_a_time(run, velo):
    server = ByModel()
    try:
        run.ini(f"velo_batch_every = 0\nvelo_endpoints =\n    {server.endpoint()}")
        run.file(BEST.replace('.text == "yes"', '.text.startswith("yes")'))
        for _ in range(12):
            if "nothing to submit" in velo("batch", "submit", "-m", "velo", pytest_options=PYTEST[:2])[1]:
                break
            velo("batch", "collect", "--wait", "--every", "0", pytest_options=())
        else:
            pytest.fail("the ranking is not in after twelve rounds of batches")
        run("-q", "-m", "velo")
        assert run.record.results[0].decision.standings.winners == ("lab/good",)
        assert server.jobs
        assert server.live == []
    finally:
        server.close()
