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


def test_an_export_says_what_it_does_to_an_existing_file(tmp_path: Path) -> None:
    folder, run, file = stored(tmp_path / "cache"), CliRunner().invoke, tmp_path / "tea.jsonl"
    export = ["export", str(file), "--cache-dir", str(folder)]
    run(cassette, export)
    assert run(cassette, export).stdout.rstrip().endswith("tea.jsonl: 0 added")
    file.write_text(file.read_text().replace("Hello!", "Howdy!"))
    said = run(cassette, ["import", str(file), "--cache-dir", str(folder)]).stdout
    assert "1 draw not imported: the cache has other replies there, which stay" in said
    assert run(cassette, export).stdout.rstrip().endswith("tea.jsonl: 0 added, 1 changed")
    file.write_text("not a draw")
    refused = run(cassette, export)
    assert refused.exit_code == 1
    assert "--replace" in refused.stderr
    assert "could not be read" in run(cassette, [*export, "--replace"]).stdout
