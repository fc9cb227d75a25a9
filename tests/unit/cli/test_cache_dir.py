"""The option that every command about recorded things has: where they are kept."""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner

from pytest_velo.cli.cache_dir import cache_dir_option


def test_the_cache_folder_comes_from_the_environment_or_the_option() -> None:
    @click.command()
    @cache_dir_option("--folder")
    def where(cache_dir: Path) -> None:
        click.echo(cache_dir.as_posix())

    run = CliRunner(env={"VELO_CACHE_DIR": "kept"}).invoke
    assert run(where).output == "kept\n"
    assert run(where, ["--folder", "here"]).output == "here\n"
