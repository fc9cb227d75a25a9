"""A baseline file that cannot be used ends the test as an error that names the file and the way out."""

from __future__ import annotations

import pytest

SOURCE = """
from pytest_velo import baseline

@pytest.mark.hypothesis(rate >= baseline - 0.2, max_trials=60)
def test_guarded(trial):
    return trial.rng.random() < 0.9
"""


def joined(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("damage", "what", "fix"),
    [
        (lambda text: text[:40], "the file is damaged", "restore it from version control"),
        (
            lambda text: text.replace('"outcomes":"', '"outcomes":"?'),
            "do not fit together",
            "version control",
        ),
        (
            lambda text: text.replace('"version": 1', '"version": 2'),
            "the file has version 2",
            "pip install --upgrade",
        ),
        (
            lambda text: f"<<<<<<< HEAD\n{text}",
            "line 1 is an unresolved merge conflict",
            "keep one line of each entry",
        ),
        (
            lambda text: text.replace("\n]}", f",\n{text.splitlines()[1]}\n]}}"),
            "2 entries are for",
            "keep one of",
        ),
    ],
)
@pytest.mark.parametrize("update", [False, True])
def test_a_damaged_file_is_an_error_and_stays(run, damage, what, fix, update) -> None:
    run.file(SOURCE)
    run("--velo-update")
    path = run.path / "velo-baseline.json"
    damaged = damage(path.read_text())
    assert damaged != path.read_text()
    path.write_text(damaged)
    result = run(*(["--velo-update"] if update else []))
    output = joined(result.stdout.str())
    assert result.ret != 0
    assert what in output
    assert fix in output
    assert "velo-baseline.json" in output
    assert path.read_text() == damaged


def test_a_lock_that_a_killed_run_left_is_an_error(run, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_velo.baselines import file

    monkeypatch.setattr(file, "LOCK_WAIT_S", 0.05)
    run.file(SOURCE)
    (run.path / ".velo-baseline.json.lock").touch()
    result = run("--velo-update")
    assert result.ret != 0
    assert "another process has been updating the file" in joined(result.stdout.str())
    assert not (run.path / "velo-baseline.json").exists()
