"""A second run begins with what the first one found near a verdict, and finds what it would have found."""

from __future__ import annotations

import json

import pytest

BELIEFS = """
from pathlib import Path
from pytest_velo import rate

@pytest.mark.parametrize("name", ["near", "also-near", "far"])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=30)
async def test_is_so(name, trial):
    with Path("asked").open("a") as file:
        file.write(f"{name}\\n")
    return name == "far" or trial.index % 2 == 0
"""


@pytest.fixture
def two_runs(run):
    """Return a function: the second run under another seed, one trial in flight; what it asked first."""
    run.file(BELIEFS)
    run("-p", "no:randomly", "--velo-seed=1")

    def second(*options: str) -> list[str]:
        asked = run.path / "asked"
        asked.unlink()
        run.second = run("-p", "no:randomly", "--velo-seed=2", "--velo-concurrency=1", *options)
        return asked.read_text().split()

    return second


def known_of(run) -> tuple[list[dict], list[int]]:
    """Return the hypotheses of the latest record without circumstances, and how many attempts were known."""
    document = json.loads((run.record.folder / "run.json").read_text())
    around = document["circumstances"]["hypotheses"]
    return document["results"], [each["n_earlier"] for each in around]


def test_the_second_run_begins_with_what_was_far_from_its_threshold(run, two_runs) -> None:
    asked = two_runs()
    assert asked[: asked.count("far")] == ["far"] * asked.count("far")
    run.second.stdout.fnmatch_lines(["*scheduled from what earlier runs saw of 3 of 3 hypotheses*"])
    with_history, known = known_of(run)
    assert known == [1, 1, 1]
    asked_afresh = two_runs("--velo-scheduler=gain-afresh", "--velo-mode=refresh")
    assert asked_afresh[0] == "near", "the first test, since nothing is known of any"
    without, known = known_of(run)
    assert known == [0, 0, 0]
    run.second.stdout.no_fnmatch_line("*scheduled from*")
    assert with_history == without
