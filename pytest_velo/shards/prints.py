"""Whether a worker has what the controller has: versions, files of tests, our own, each by its digest."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from pytest_velo.errors import UsageError
from pytest_velo.version import __version__

_SHOWN = 12  # characters of a digest
_MOST = 5  # differences that are named


def prints_of(files: Mapping[str, Path], versions: Mapping[str, str]) -> dict[str, str]:
    """Return what must be the same everywhere, by name.

    Args:
        files: The modules of tests, and their conftests, by a name that is the same on every machine.
        versions: Those of packages that matter.
    """
    own = Path(__file__).parents[1]
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        **versions,
        "pytest-velo": __version__,
        "the files of pytest-velo": _digest(sorted(own.rglob("*.py")), own),
        **{name: _digest([path]) for name, path in sorted(files.items())},
    }


def check_prints(here: Mapping[str, str], there: Mapping[str, str], *, worker: str, host: str) -> None:
    """Compare what the controller has with what a worker has.

    Raises:
        UsageError: They differ; it names what, with both sides.
    """
    different = [name for name in here if there.get(name) != here[name]]
    if not different:
        return
    told = [f"{name} is {there.get(name, 'missing')} there, {here[name]} here" for name in different[:_MOST]]
    more = f"; and {len(different) - _MOST} more" if len(different) > _MOST else ""
    raise UsageError(
        f"it would run something else than is here: {'; '.join(told)}{more}",
        where=f"worker {worker} on {host}",
        fix="install the same packages and check out the same files there; a worker that was started in the"
        " root folder finds the tests in it",
    )


def _digest(files: Iterable[Path], root: Path | None = None) -> str:
    found = sha256()
    for file in files:
        if root is not None:
            found.update(f"{file.relative_to(root).as_posix()}\0".encode())
        try:
            found.update(file.read_bytes())
        except OSError:
            return "not readable"
    return found.hexdigest()[:_SHOWN]
