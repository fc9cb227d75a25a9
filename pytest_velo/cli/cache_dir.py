"""The `--cache-dir` option, shared by all commands that read recorded data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pytest_velo.integration.config.folder import cache_folder

_Command = TypeVar("_Command", bound=Callable[..., Any])


def cache_dir_option(*spellings: str, found: bool = True) -> Callable[[_Command], _Command]:
    """Add the option `--cache-dir`, a `pathlib.Path` with the same default as pytest's option.

    Args:
        *spellings: Further names of the option, with their dashes.
        found: Pass the folder that is found without the option; None otherwise.
    """

    def find(_: click.Context, __: click.Parameter, typed: Path | None) -> Path | None:
        return cache_folder(typed) if found else typed

    return click.option(
        "--cache-dir",
        *spellings,
        type=click.Path(path_type=Path, file_okay=False),
        callback=find,
        help="Folder with the store and the run records (default: the one that pytest uses here).",
    )
