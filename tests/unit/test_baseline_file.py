"""The baseline file: its text, its anchors, several writers at once, and what is wrong with a damaged one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_velo.baselines import file as baseline_file
from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.baselines.file import BaselineFile
from pytest_velo.errors import StoreError

CASES = ("00112233445566aa", "ffeeddccbbaa9988")


def sampled(*outcomes: float | None, made_at: str = "2026-12-01T09:30:00+00:00") -> Sampled:
    turns = tuple(StoredTurn(CASES[i % 2], i // 2, outcome) for i, outcome in enumerate(outcomes))
    return Sampled(made_at=made_at, seed=3, set_digest="ab", turns=turns, models_served=("tiny-1",))


def entry(name: str, *outcomes: float | None) -> Entry:
    one = sampled(*outcomes)
    return Entry(
        hypothesis=f"test_a.py::{name}", model="m", statistic="rate", design="d", current=one, anchor=one
    )


def test_an_entry_is_one_short_line(tmp_path: Path) -> None:
    path = tmp_path / "velo-baseline.json"
    BaselineFile.update(path, [entry("test_b", 0, 1, 1, 0, None, 1), entry("test_a", 2.5, None)])
    first, second, third, last = path.read_text().splitlines()
    assert (first, last) == ('{"version": 1, "entries": [', "]}")
    assert json.loads(second.rstrip(",")) == {
        "hypothesis": "test_a.py::test_a",
        "model": "m",
        "statistic": "rate",
        "design": "d",
        "current": {
            "made_at": "2026-12-01T09:30:00+00:00",
            "seed": 3,
            "set": "ab",
            "cases": [*CASES],
            "outcomes": [2.5, None],
            "models_served": ["tiny-1"],
        },
    }
    current = json.loads(third)["current"]
    assert current["outcomes"] == "0110x1"
    assert current["order"] == [0, 1, 0, 1, 0, 1]
    assert "repeats" not in current


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    file = BaselineFile.load(tmp_path / "none.json")
    assert not file.entries
    assert file.get("t", "", "rate") is None


def test_numbers_of_a_baseline() -> None:
    assert (sampled(1, 0, 1, None).n, sampled(1, 0, 1, None).n_invalid) == (4, 1)
    assert sampled(1, 0, 1, None).mean == 2 / 3
    assert sampled(None).mean is None


def test_accepting_again_keeps_the_anchor(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "velo-baseline.json"
    BaselineFile.update(path, [entry("test_a", 1, 1)])
    later = BaselineFile.load(path).accept(
        hypothesis="test_a.py::test_a", model="m", statistic="rate", design="e", sampled=sampled(0, 1)
    )
    later.save(path)
    BaselineFile.update(path, [entry("test_a", 0, 0)])
    (kept,) = BaselineFile.load(path).entries.values()
    assert (kept.anchor, kept.current) == (sampled(1, 1), sampled(0, 0))
    assert [part.name for part in path.parent.iterdir()] == ["velo-baseline.json"]


WRITER = """
import sys
from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.baselines.file import BaselineFile
path, worker = sys.argv[1:]
sys.stdin.readline()  # all start together
for number in range(15):
    one = Sampled(made_at="", seed=0, set_digest="", turns=(StoredTurn("", 0, 1.0),))
    name = f"t.py::test_{worker}_{number}"
    BaselineFile.update(
        path, [Entry(hypothesis=name, model="", statistic="rate", design="", current=one, anchor=one)]
    )
"""


def test_processes_that_update_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "velo-baseline.json"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stdin=subprocess.PIPE)
        for name in "abc"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=300)
        assert writer.returncode == 0
    assert len(BaselineFile.load(path).entries) == 45
    assert [part.name for part in tmp_path.iterdir()] == ["velo-baseline.json"]


def text_of(*lines: str, version: int = 1) -> str:
    return f'{{"version": {version}, "entries": [\n' + ",\n".join(lines) + "\n]}\n"


LINE = (
    '{"hypothesis":"t.py::t","model":"","statistic":"rate","design":"",'
    '"current":{"made_at":"","seed":0,"outcomes":"01"}}'
)


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("{", "the file is damaged (Input data was truncated)", "from version control"),
        ("[]", "the file is damaged (Expected `object`, got `array`)", "--velo-update"),
        (text_of('{"model":""}'), "missing required field `hypothesis` - at `$.entries[0]`", "--velo-update"),
        (text_of(LINE.replace("01", "0?1")), "cases and repeats of t.py::t do not fit", "--velo-update"),
        (text_of(LINE.replace('"01"', '"01","order":[0,7],"cases":["a"]')), "do not fit", "--velo-update"),
        (text_of(LINE.replace('"01"', '"01","repeats":[0]')), "do not fit together", "--velo-update"),
        (text_of(LINE, LINE), "2 entries are for t.py::t: rate", "keep one of the lines"),
        (
            text_of('{"anything":"new"}', version=2),
            "the file has version 2",
            "pip install --upgrade pytest-velo",
        ),
        (
            text_of("<<<<<<< HEAD\n" + LINE),
            "line 2 is an unresolved merge conflict",
            "keep one line of each entry",
        ),
        (
            text_of(LINE + "\n>>>>>>> theirs"),
            "line 3 is an unresolved merge conflict",
            "keep one line of each entry",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, what: str, fix: str) -> None:
    path = tmp_path / "velo-baseline.json"
    path.write_text(text)
    with pytest.raises(StoreError) as caught:
        BaselineFile.load(path)
    assert caught.value.where == str(path)
    assert what in caught.value.what
    assert fix in caught.value.fix
    with pytest.raises(StoreError, match="velo-baseline"):
        BaselineFile.update(path, [entry("test_a", 1)])
    assert path.read_text() == text  # a file that cannot be read is never written over
    assert not path.with_name(".velo-baseline.json.lock").exists()


def test_a_formatted_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "velo-baseline.json"
    path.write_text(json.dumps(json.loads(text_of(LINE)), indent=4))
    (only,) = BaselineFile.load(path).entries.values()
    assert only.current.turns == (StoredTurn("", 0, 0.0), StoredTurn("", 1, 1.0))


def test_a_path_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read") as caught:
        BaselineFile.load(tmp_path)
    assert "--velo-baseline" in caught.value.fix
    (tmp_path / "a_file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        BaselineFile().save(tmp_path / "a_file" / "velo-baseline.json")
    with pytest.raises(StoreError, match="cannot be written"):
        BaselineFile.update(tmp_path / "a_file" / "velo-baseline.json", [])


def test_a_lock_left_behind_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline_file, "LOCK_WAIT_S", 0.05)
    path = tmp_path / "velo-baseline.json"
    lock = tmp_path / ".velo-baseline.json.lock"
    lock.touch()
    with pytest.raises(StoreError, match="another process has been updating the file") as caught:
        BaselineFile.update(path, [entry("test_a", 1)])
    assert f"remove {lock}" in caught.value.fix
    assert not path.exists()
    lock.unlink()
    assert len(BaselineFile.update(path, [entry("test_a", 1)]).entries) == 1
