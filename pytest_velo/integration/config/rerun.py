"""The command that runs a hypothesis again."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from pytest_velo.integration.config.options import OPTIONS
from pytest_velo.settings import Settings

_KEPT = ("model", "judge", "alpha", "multiplicity", "max_trials", "profile", "cache_dir", "baseline")
"""Options that change the hypothesis, or whether there is one; the seed is shown separately."""


def rerun_line(item: pytest.Item, settings: Settings) -> str:
    """Return the command that runs one hypothesis again, from the folder pytest was started in.

    It repeats the typed options that the hypothesis depends on, and the seed if it is not 0.
    """
    words = ["pytest", shlex.quote(_as_typed(item))]
    if settings.seed:
        words.append(f"--velo-seed={settings.seed}")
    for option in OPTIONS:
        typed = item.config.getoption(option.ini)
        if option.name in _KEPT and typed is not None:
            values = dict.fromkeys(typed if option.many else [typed])
            words += [f"{option.cli}={shlex.quote(str(value))}" for value in values]
    return " ".join(words)


def _as_typed(item: pytest.Item) -> str:
    """Return the node id relative to the folder pytest was started in, not to the root folder."""
    here, root = item.config.invocation_params.dir, item.config.rootpath
    file, *names = item.nodeid.split("::")
    if here == root or not (root / file).exists():
        return item.nodeid
    return "::".join([Path(os.path.relpath(root / file, here)).as_posix(), *names])
