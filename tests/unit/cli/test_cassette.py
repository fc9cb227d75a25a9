"""`velo cassette`: recorded draws out of the cache into a file that is committed, and back."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from pytest_velo.cli.cassette import cassette
from support.reports import stored


def test_a_cassette_is_exported_and_imported(tmp_path: Path) -> None:
    folder = stored(tmp_path)
    run, file = CliRunner().invoke, str(folder / "tea.jsonl")
    said = run(cassette, ["export", file, "--cache-dir", str(folder)]).stdout
    assert said.replace(str(folder), "cache").rstrip() == "1 draw of run latest -> cache/tea.jsonl"
    said = run(cassette, ["import", file, "--cache-dir", str(folder / "empty")]).stdout
    assert said.replace(str(folder), "cache").rstrip() == "1 draw in cache/tea.jsonl, 1 new in cache/empty"
