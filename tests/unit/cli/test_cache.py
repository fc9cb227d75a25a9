"""`velo cache`: what the cache holds, and removing the old part of it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from pytest_velo.cli.cache import cache
from support.reports import stored


def test_cache_commands_tell_and_prune(tmp_path: Path) -> None:
    folder = str(stored(tmp_path))
    said = CliRunner().invoke(cache, ["stats", "--cache-dir", folder]).stdout
    assert said.splitlines()[1:] == [
        "draws   1 draw of 1 request",
        "drawn   2026-11-23",
        "cost    $? (no known price)",
        "unused  0 draws not used by any of 1 recorded run",
        "models  tiny at lab: 1 draw",
    ]
    said = CliRunner().invoke(cache, ["prune", "--larger-than=0B", "--cache-dir", folder]).stdout
    assert (
        said.splitlines()[0]
        == "removed 1 draw and 1 request, drawn 2026-11-23; drawing them again costs $? (no known price)"
    )
