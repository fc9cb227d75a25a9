"""Attempts at a belief are counted, shown, and pay for alpha where they share it."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from pytest_velo.records import Attempt
from pytest_velo.stats.multiplicity import attempt_share
from support.runs import decided

ASKED = '''
PROMPT = "Say yes."

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=30, family="attempts")
async def test_h(model):
    """It says yes."""
    assert await model(PROMPT) == "yes"
'''


OF_CASES = """
@pytest.mark.hypothesis(rate <= 0.1, models=["lab/tiny"], max_trials=30, cases=["Laos", "Peru", "Kenya"])
async def test_h(model, case):
    return await model(f"Is {case} a country?") == "yes"
"""


COIN = '''
SHARE = 0.1

@pytest.mark.hypothesis(rate >= 0.5, max_trials=30)
def test_h(trial):
    """The coin lands heads."""
    return trial.rng.random() < SHARE
'''


def attempt_of(run) -> Attempt:
    [result] = run.record.results
    assert result.attempt is not None
    return result.attempt


def test_each_fresh_set_of_draws_and_each_prompt_is_an_attempt_with_its_share_of_alpha(run, lab) -> None:
    run.file(ASKED)
    numbers = []
    for seed in (0, 0, 1):
        run("-m", "velo", f"--velo-seed={seed}")
        numbers.append(attempt_of(run).number)
    run("-m", "velo", "--velo-mode=refresh")
    numbers.append(attempt_of(run).number)
    run.file(ASKED.replace("Say yes.", "Please say yes."))
    told = run("-m", "velo").stdout.str()
    [result] = run.record.results
    assert numbers == [1, 1, 2, 3]  # the same evidence again is no attempt
    assert result.attempt == Attempt(
        number=4, n_prompts=2, n_bodies=1, n_models=1, since=result.attempt.since, fresh=("supported",),
        n_still=0, alpha=0.05,
    )  # fmt: skip
    assert result.alpha == pytest.approx(0.05 * attempt_share(4))
    assert "attempt 4 on this belief, 2 prompts" in told
    run.file(ASKED)
    run("-m", "velo", "--velo-seed=1")
    assert attempt_of(run).number == 2  # whatever came since


def test_a_rename_or_another_sentence_keeps_the_history(run, lab) -> None:
    run.file(ASKED)
    run("-m", "velo")
    run.file(ASKED.replace("test_h", "test_renamed"))
    run("-m", "velo", "--velo-seed=1")
    run.file(ASKED.replace("test_h", "test_renamed").replace("It says", "It does say"))
    run("-m", "velo", "--velo-seed=2")
    assert attempt_of(run).number == 3
    run.file(ASKED.replace("It says", "Unlike it, it says").replace("test_h", "test_other"))
    run("-m", "velo", "--velo-seed=3")
    assert attempt_of(run).number == 1
    listed = run.velo("attempts", "renamed")
    assert listed.splitlines()[0] == "test_it.py::test_renamed, once test_it.py::test_h"
    assert [line.split()[0] for line in listed.splitlines()[5:]] == ["1", "2", "3"]


def test_a_rerun_until_green_says_so_and_alpha_pays_for_it_where_it_is_shared(run) -> None:
    run.file(COIN)
    run("--velo-seed=1")
    run("--velo-seed=2")
    run.file(COIN.replace("SHARE = 0.1", "SHARE = 0.9"))
    told = run("--velo-seed=3").stdout.str()
    text = " ".join(told.split())
    assert "the 3rd fresh set of draws for the same claim, prompt and body" in text
    assert "the first two were refuted, refuted" in text
    assert "a rerun until green, which alpha does not cover" in text
    shared = COIN.replace("max_trials=30", 'max_trials=30, family="attempts"')
    run.file(shared.replace("SHARE = 0.1", "SHARE = 0.9"))
    told = run("--velo-seed=3").stdout.str()
    [result] = run.record.results
    assert attempt_of(run).number == 3  # the claim, its body and the draws are the same
    assert result.alpha == pytest.approx(0.05 * attempt_share(3))
    assert "rerun until green" not in " ".join(told.split())


def test_the_case_that_comes_first_makes_no_other_prompt(run, lab) -> None:
    """It is another with each seed; a rerun on fresh draws is told as one all the same."""
    run.file(OF_CASES)
    first = set()
    for seed in range(4):
        run("-m", "velo", f"--velo-seed={seed}")
        first.add(run.record.trials_of(run.record.results[0].node_id)[0].case_id)
    assert len(first) > 1
    attempt = attempt_of(run)
    assert (attempt.number, attempt.n_prompts, len(attempt.fresh)) == (4, 1, 4)


def test_replay_elsewhere_comes_to_the_same_verdict_by_the_attempts_beside_the_cassette(run, lab) -> None:
    run.file(ASKED)
    for seed in (0, 1, 2):
        run("-m", "velo", f"--velo-seed={seed}")
    [before] = run.record.results
    cassette = run.path / "cassettes" / "h.jsonl"
    told = run.velo("cassette", "export", str(cassette))
    assert "h.attempts.json: commit it too" in told
    shutil.rmtree(run.path / ".pytest_velo")
    run("--velo-mode=replay", "--velo-seed=2")
    [replayed] = run.record.results
    assert replayed.attempt == before.attempt
    assert (replayed.alpha, replayed.outcome) == (before.alpha, before.outcome)
    assert decided(replayed) == decided(before)
    shutil.rmtree(run.path / ".pytest_velo")
    (cassette.parent / "h.attempts.json").unlink()
    refused = run("--velo-mode=replay", "--velo-seed=2")
    refused.assert_outcomes(errors=1)
    text = " ".join(refused.stdout.str().split())
    assert "no attempt at this belief is known here" in text
    assert "velo cassette export FILE" in text


def test_the_ledger_is_listed_exported_and_never_pruned(run, lab) -> None:
    run.file(ASKED.replace(', family="attempts"', ""))
    for seed in (0, 1):
        run("-m", "velo", f"--velo-seed={seed}")
    entries = [json.loads(line) for line in run.velo("attempts", "--json").splitlines()]
    assert [entry["kind"] for entry in entries] == ["attempt", "finding"] * 2
    rows = list(csv.DictReader(io.StringIO(run.velo("attempts", "--csv"))))
    assert [(row["number"], row["seed"], row["verdict"]) for row in rows] == [
        ("1", "0", "supported"),
        ("2", "1", "supported"),
    ]
    assert "2 attempts · supported" in run.velo("attempts")
    assert (
        "no attempt at a test with"
        in CliRunner().invoke(main, ["attempts", "zzz", "--cache-dir", str(run.path / ".pytest_velo")]).output
    )


@pytest.mark.processes
def test_two_workers_never_have_the_same_number(run) -> None:
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, family="attempts", max_trials=30,
    models=["scripted/a", "scripted/b", "scripted/c", "scripted/d"])
async def test_h(model):
    assert await model("x") == "yes"
"""
    )
    run.ini("velo_endpoints =\n    ours: api=scripted")
    path = Path(run.path / "conftest.py")
    path.write_text("from pytest_velo import scripted\n[scripted(name, ['yes']) for name in 'abcd']\n")
    run("-n", "2")
    numbers = sorted(result.attempt.number for result in run.record.results)
    assert numbers == [1, 2, 3, 4]


def test_code_outside_of_the_body_that_changes_the_outcomes_of_the_same_draws_makes_an_attempt(run) -> None:
    source = COIN.replace("SHARE = 0.1", "SHARE = 0.99").replace("=30", '=30, family="attempts"')
    run.file(source.replace("0.99", "0.1"))
    run("--velo-seed=1")
    first = attempt_of(run)
    run.file(source)
    told = run("--velo-seed=1").stdout.str()
    [result] = run.record.results
    assert (first.number, attempt_of(run).number) == (1, 2)
    assert result.alpha == pytest.approx(0.05 * attempt_share(2))
    # It stopped at the level of attempt 1, and attempt 2 needs more.
    assert result.outcome.value == result.decision.verdict.value == "inconclusive"
    assert result.alpha < result.decision.evidence.p_support <= 0.05 * attempt_share(1)
    assert "the same draws came out otherwise before, so this is attempt 2" in " ".join(told.split())
    run("--velo-seed=1")
    assert attempt_of(run).number == 2
