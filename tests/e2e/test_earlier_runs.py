"""A second run begins with what the first one found near a verdict, and finds what it would have found."""

from __future__ import annotations

import json

import pytest

BELIEFS = """
from pathlib import Path
from pytest_velo import rate, scripted

def answer(messages, rng):
    chance = float(str(messages).split("chance ")[1].split(";")[0])
    return "yes" if rng.random() < chance else "no"

@pytest.mark.parametrize("chance", [0.5, 0.52, 1.0])
@pytest.mark.hypothesis(rate >= 0.5, models=[scripted("many", answer)], max_trials=30)
async def test_says_yes(chance, model):
    with Path("asked").open("a") as file:
        file.write(f"{chance}\\n")
    return (await model(f"chance {chance}; is it so?")).answers("yes")
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


def written(run) -> tuple[list[dict], list[dict]]:
    """Return the hypotheses of the newest record, and their circumstances."""
    newest = max((run.path / ".pytest_velo" / "runs").glob("*/run.json"), key=lambda file: file.parent.name)
    document = json.loads(newest.read_text())
    return document["results"], document["circumstances"]["hypotheses"]


def test_the_second_run_begins_with_what_was_far_from_its_threshold(run, two_runs) -> None:
    asked = two_runs()
    needed = asked.count("1.0")
    assert asked[:needed] == ["1.0"] * needed
    run.second.stdout.fnmatch_lines(["*scheduled from what earlier runs saw of 3 of 3 hypotheses*"])
