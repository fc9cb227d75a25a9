"""`--jobs=N` of commands: what they find is the same for every N."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main

pytestmark = pytest.mark.processes


def velo(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code in (0, 1), result.output
    return result.output


def test_a_plan_is_the_same_for_every_number_of_processes(run, monkeypatch) -> None:
    monkeypatch.chdir(run.path)
    run.file("""
from pytest_velo import estimate

@pytest.mark.hypothesis(estimate(rate, halfwidth=0.2), max_trials=500)
def test_h(trial): return trial.rng.random() < 0.5
""")
    one, two = (json.loads(velo("plan", "--json", f"--jobs={jobs}", "test_it.py")) for jobs in (1, 2))
    assert one == two


def test_rescoring_takes_the_number_of_scorers_at_once(run, monkeypatch) -> None:
    monkeypatch.chdir(run.path)
    source = """
from pytest_velo import scorer

@scorer(process=True)
def is_yes(text): return text == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_h(model): return await is_yes((await model("?")).text)
"""
    run.file(source)
    assert run().ret == pytest.ExitCode.OK
    run.file(source.replace('== "yes"', '== "no"'))
    output = velo("rescore", "--jobs=1")
    assert "refuted" in output
    assert run.record["test_h"].outcome.value == "refuted"
