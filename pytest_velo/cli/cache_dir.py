"""The `--cache-dir` option, shared by all commands that read recorded data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def cache_dir_option(*spellings: str) -> Callable[[_Command], _Command]:
    """Add the option `--cache-dir`, a `pathlib.Path` with the same default as pytest's option.

    `spellings` are further names of the option, with their dashes.
    """
    return click.option(
        "--cache-dir",
        *spellings,
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".pytest_velo"),
        envvar="VELO_CACHE_DIR",
        show_default=True,
        help="Folder with the store and the run records.",
    )
