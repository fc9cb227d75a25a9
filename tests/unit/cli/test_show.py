"""`velo show`: transcripts of recorded runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_velo.cli.main import main
from support.reports import call, paired, recorded, refuted, trial

HOSTILE = "no\x1b[2J\u202e"


def show(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["show", *words, "--cache-dir", str(folder)], env={"COLUMNS": "100"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two runs of a test, of which the second has two more tests."""
    asked = [trial(n, n % 3 == 0, calls=(call(f"Question {n}?", HOSTILE),)) for n in range(9)]
    recorded(tmp_path, refuted(trials=tuple(replace(each, calls=()) for each in asked[:8])))
    flipped = replace(asked[0], kind=asked[1].kind, values={"": 0.0})
    recorded(
        tmp_path,
        refuted(trials=(flipped, *asked[1:])),
        replace(paired(), node_id="test_a.py::test_pairs"),
        refuted(node_id="test_a.py::test_other", model="lab/large", trials=()),
    )
    return tmp_path


def test_the_list_has_numbers_to_pick(folder: Path) -> None:
    said = show(folder).stdout
    assert "run 2026-11-23T21-46-08Z-2: 3 hypotheses" in said
    for name in ("1  test_b", "2  test_pairs", "3  test_other"):
        assert name in said
    assert "test_a.py::test_pairs" in show(folder, "latest", "2").stdout.splitlines()[0]


def test_a_test_is_found_by_a_part_of_its_name_and_shown_whole(folder: Path) -> None:
    said = show(folder, "test_b").stdout
    assert said.splitlines()[0] == "test_a.py::test_b"
    assert "trials: 9" in said
    assert said.index("Question 0?") < said.index("Question 8?")
    assert r"no\x1b[2J\u202e" in said
    assert "\x1b" not in said
    assert said.endswith("run it again: pytest test_a.py::test_b --velo-seed=0\n")


@pytest.mark.parametrize(
    ("words", "title", "there", "not_there"),
    [
        (["--for"], "trials for the claim: 2", "Question 3?", "Question 1?"),
        (["--against", "-n", "1"], "trials against the claim: 1 of 7", "Question 0?", "Question 3?"),
        (["--invalid"], "invalid trials: none", "test_b", "Question"),
        (["--random", "-n", "2"], "trials picked at random with seed 0: 2 of 9", "Question", "trials: 9"),
        (["--random", "--seed", "4"], "with seed 4: 9", "Question 8?", "none"),
        (["--changed"], "otherwise than in run 2026-11-23T21-46-08Z: 1", "in run 2026", "Question 1?"),
        (["--trial", "4"], "trial 4, of 9 trials", "Question 4?", "Question 5?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_kinds_of_trials(folder: Path, words: list[str], title: str, there: str, not_there: str) -> None:
    said = show(folder, "latest", "test_b", *words)
    assert said.exit_code == 0, said.output
    assert title in said.stdout
    assert there in said.stdout
    assert not_there not in said.stdout


def test_one_arm_or_one_model(folder: Path) -> None:
    said = show(folder, "latest", "test_pairs", "--arm", "b").stdout
    assert "arm b" in said
    assert "arm a ·" not in said
    assert "test_other" in show(folder, "latest", "--model", "large").stdout.splitlines()[0]


def test_a_run_without_trials_says_so(folder: Path) -> None:
    assert "no trial is recorded" in show(folder, "test_other").stdout


@pytest.mark.parametrize(
    ("words", "what", "fix"),
    [
        (["2026-11-23T21-46-09Z"], "there is no finished run", "did you mean '2026-11-23T21-46-08Z"),
        (["latest", "test_pears"], "no test of the run has 'test_pears'", "did you mean 'test_pairs'?"),
        (["latest", "9"], "there is no hypothesis 9: the run has 3", "lists them"),
        (["latest", "test_b", "--trial", "99"], "there is no trial 99: they are 0 to 8", "name one of them"),
        (["latest", "test_b", "--arm", "x"], "test_b has no arms", "leave --arm out"),
        (["latest", "test_pairs", "--arm", "x"], "test_pairs has no arm 'x'", "known: a, b"),
        (["latest", "--model", "lab/larg"], "", ""),
        (["latest", "--model", "labs"], "no hypothesis of the run is about a model with 'labs'", "lab/"),
        (["latest", "test_b", "--trial", "1", "--for"], "by its number", "leave --for out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_say_where_what_and_the_fix(folder: Path, words: list[str], what: str, fix: str) -> None:
    said = show(folder, *words)
    assert said.exit_code == (1 if what else 0)
    assert what in said.stderr
    assert fix in said.stderr


def test_a_damaged_record_is_named(folder: Path) -> None:
    trials = folder / "runs" / "2026-11-23T21-46-08Z-2" / "trials.jsonl"
    trials.write_bytes(trials.read_bytes()[:-40] + b"\n")
    said = show(folder, "latest", "test_pairs")
    assert said.exit_code == 1
    assert "trials.jsonl" in said.stderr
    assert "fix: " in said.stderr
    assert show(folder / "nowhere").exit_code == 1
