"""The pages of the checks, and the rates that were measured: data that comes with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pytest_velo.errors import UsageError

_ADDRESS = "https://github.com/pytest-velo/pytest-velo/blob/main/docs/checks/"
_HERE = Path(__file__).parent


def address_of(code: str, name: str) -> str:
    """Return where the page of one of our checks is read."""
    return f"{_ADDRESS}{file_of(code, name)}"


def file_of(code: str, name: str) -> str:
    """Return the file name of a check's page."""
    return f"{code}-{name.replace(' ', '-')}.md"


def page_of(code: str, name: str) -> str:
    """Return the text of a check's page.

    Raises:
        UsageError: The check has none.
    """
    path = _folder() / file_of(code, name)
    if not path.is_file():
        raise UsageError(
            f"there is no page of {code}", where=str(path), fix="read what `velo checks` says of it"
        )
    return path.read_text(encoding="utf-8")


@cache
def rates() -> Mapping[str, Mapping[str, Any]]:
    """Return the measured rates by code: `detection` and `false_alarms`, as `benchmarks/checks.py` wrote."""
    path = _folder() / "rates.json"
    measured: dict[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["checks"]
    return measured


def _folder() -> Path:
    """Return where the pages are: in an installed package beside this module, else in the project's docs."""
    packed = _HERE / "docs"
    return packed if packed.is_dir() else _HERE.parents[1] / "docs" / "checks"
