"""The gallery of published beliefs: short files that say what they took, and a table made of replay."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from pytest_velo.records import HypothesisResult

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "examples" / "research"
FILES = sorted(GALLERY.glob("test_*.py"))
SCRIPTED = {"test_model_organism"}  # what a script says is computed anew, and is in no cassette
NAMES = ["Paper", "Number", "Ours", "Differs", "Live"]

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def table() -> ModuleType:
    """The script that makes the table."""
    spec = spec_from_file_location("gallery_table", GALLERY / "table.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def replayed(table: ModuleType) -> Mapping[str, HypothesisResult]:
    """What the committed draws come to, in a process in which no socket connects."""
    return table.replay("-p", "support.offline")


def test_there_are_thirteen() -> None:
    assert len(FILES) == 13


@each_file
def test_a_file_is_short_and_says_what_it_took_from_where(table: ModuleType, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    assert text.count("@pytest.mark.hypothesis(") == 1
    said = table.fields(path)
    assert [*said] == ["Belief", *NAMES]
    assert re.search(r"^.+ et al\. \d{4}\b.*, arXiv:\d{4}\.\d{5}$", said["Paper"])
    assert said["Live"] == f"pytest -m hypothesis examples/research/{path.name}"


@each_file
def test_its_draws_are_committed_sorted_and_few(path: Path) -> None:
    name = path.stem.removeprefix("test_")
    cassette = GALLERY / "cassettes" / f"{name}.jsonl"
    if path.stem in SCRIPTED:
        assert not cassette.exists()
        return
    assert cassette.stat().st_size < 150_000
    draws = [json.loads(line) for line in cassette.read_text(encoding="utf-8").splitlines()]
    keys = [(draw["key"], draw["slot"]) for draw in draws]
    assert keys == sorted({*keys})
    assert keys
    assert {draw["request"]["model"] for draw in draws} == {"smollm2-135m"}


@pytest.mark.slow
def test_the_readme_and_the_files_say_what_replay_gives(
    table: ModuleType, replayed: Mapping[str, HypothesisResult]
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [*replayed] == [path.name for path in FILES]
    for path in FILES:
        result = replayed[path.name]
        assert table.row(path, result) in readme
        assert f"Ours: {table.ours(result)}, {table.verdict(result)}\n" in path.read_text(encoding="utf-8")
        assert result.n_cached == result.n_calls or result.stubs or path.stem in SCRIPTED


@pytest.mark.slow
def test_a_figure_that_replay_does_not_give_is_found(
    table: ModuleType,
    replayed: Mapping[str, HypothesisResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readme = tmp_path / "README.md"
    written = (ROOT / "README.md").read_text(encoding="utf-8")
    first = table.ours(replayed[FILES[0].name])
    assert first in written
    monkeypatch.setattr(table, "replay", lambda *_: replayed)
    monkeypatch.setattr(table, "README", readme)
    monkeypatch.setattr(table, "ROOT", tmp_path)
    monkeypatch.setattr(table, "FOLDER", tmp_path / "examples" / "research")
    (tmp_path / "examples" / "research").mkdir(parents=True)
    for path in FILES:
        (tmp_path / "examples" / "research" / path.name).write_bytes(path.read_bytes())

    readme.write_text(written, encoding="utf-8")
    table.main("--check")
    readme.write_text(written.replace(first, "0.99 [0.98, 1.00]"), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"not what replay gives: README\.md\n  fix: python examples/"):
        table.main("--check")
    assert "0.99 [0.98, 1.00]" in readme.read_text(encoding="utf-8")
    table.main()
    assert readme.read_text(encoding="utf-8") == written


@pytest.mark.slow
def test_a_threshold_that_a_constant_answer_reaches_is_found_before_anything_is_drawn(run) -> None:
    text = (GALLERY / "test_written_labels.py").read_text(encoding="utf-8")
    assert "rate >= 0.7," in text
    path = run.path / "test_written_labels.py"
    path.write_text(text, encoding="utf-8")
    as_it_is = run("-m", "velo", "--velo-mode=replay").stdout.str()
    assert "F06" not in as_it_is
    path.write_text(text.replace("rate >= 0.7,", "rate >= 0.6,"), encoding="utf-8")
    lower = run("-m", "velo", "--velo-mode=replay").stdout.str()
    assert "F06" in lower
    assert "is right in 8 of 12 cases (66.7%)" in " ".join(lower.split())
