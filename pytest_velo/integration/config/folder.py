"""The root folder, the cache and the options of a project, found outside pytest as pytest finds them."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.compat import Located, located
from pytest_velo.integration.config.options import OPTIONS

_OPTION = next(option for option in OPTIONS if option.name == "cache_dir")
_DEFAULT = Path(".pytest_velo")


def root_folder(arguments: Sequence[str] = ()) -> Path:
    """Return the folder that node ids are relative to, where pytest is started here with `arguments`.

    Raises:
        UsageError: The ini file that they name, or that is found, cannot be read.
    """
    return project(arguments).root


def cache_folder(typed: Path | None = None, arguments: Sequence[str] = ()) -> Path:
    """Return the cache folder that pytest uses, started here with `arguments`.

    `typed` is the folder given to the command itself; where a relative one is not here, it is the root's.

    Raises:
        UsageError: As in `root_folder`.
    """
    if typed is not None and typed.is_absolute():
        return typed
    root, _, options = project(arguments)
    if typed is not None:
        return typed if typed.exists() or not (root / typed).exists() else root / typed
    folder = root / (_written(options, arguments) or _DEFAULT)
    try:
        return Path(os.path.relpath(folder)) if folder.is_relative_to(Path.cwd()) else folder
    except ValueError:  # another drive
        return folder


def project(arguments: Sequence[str] = ()) -> Located:
    """Return the root folder, the ini file and its options, where pytest is started here with `arguments`.

    Raises:
        UsageError: As in `root_folder`.
    """
    parser = _parser()
    parser.add_argument("-c", "--config-file", dest="file")
    parser.add_argument("--rootdir", dest="root")
    parser.add_argument("-o", "--override-ini", dest="overrides", action="append")
    told, rest = parser.parse_known_args(_typed(arguments))
    paths = [argument for argument in rest if not argument.startswith("-")]
    try:
        return located(paths, ini_file=told.file, root=told.root, overrides=told.overrides)
    except pytest.UsageError as error:
        raise UsageError(
            str(error), where="pytest's settings", fix="correct the file, or name another with -c"
        ) from None


def command_line(options: Mapping[str, Any], arguments: Sequence[str] = ()) -> list[str]:
    """Return the command line that pytest would read: `addopts`, the environment's, and `arguments`."""
    added = options.get("addopts", "")
    return [*(shlex.split(added) if isinstance(added, str) else added), *_typed(arguments)]


def _written(options: Mapping[str, Any], arguments: Sequence[str]) -> str | None:
    """Return the setting of the cache folder: from pytest's command line, the environment or the file."""
    parser = _parser()
    parser.add_argument(_OPTION.cli, dest="folder")
    folder = parser.parse_known_args(command_line(options, arguments))[0].folder
    return folder or os.environ.get(_OPTION.env) or options.get(_OPTION.ini)


def _typed(arguments: Sequence[str]) -> list[str]:
    return [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *arguments]


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(add_help=False, allow_abbrev=False)
