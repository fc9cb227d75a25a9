"""The option that every command about recorded things has: where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def cache_dir_option(*spellings: str) -> Callable[[_Command], _Command]:
    r"""Give a command the option `--cache-dir`, a `pathlib.Path`; its default is that of pytest's option.

    Args:
        spellings: Further names of the option, with their dashes.
    """
    return click.option(
        "--cache-dir",
        *spellings,
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".pytest_velo"),
        envvar="VELO_CACHE_DIR",
        show_default=True,
        help="Folder of the store and the run records.",
    )
