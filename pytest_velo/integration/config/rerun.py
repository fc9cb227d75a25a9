"""The line to type that runs a hypothesis again as it was run."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from pytest_velo.integration.config.options import OPTIONS
from pytest_velo.settings import Settings

_KEPT = ("model", "judge", "alpha", "multiplicity", "max_trials", "profile", "cache_dir", "baseline")
"""Options without which it would be another hypothesis, or none at all; the seed is shown in any case."""


def rerun_line(item: pytest.Item, settings: Settings) -> str:
    """Return the command that runs one hypothesis again, from where pytest was started.

    Args:
        item: The test; what was typed for its session is typed again, as far as the hypothesis depends on it.
        settings: A seed other than 0 stands in the command.
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
    """Return the node id from the folder that pytest was started in; its own starts from the root folder."""
    here, root = item.config.invocation_params.dir, item.config.rootpath
    file, *names = item.nodeid.split("::")
    if here == root or not (root / file).exists():
        return item.nodeid
    return "::".join([Path(os.path.relpath(root / file, here)).as_posix(), *names])
