"""The run records next to the store: which draws they used, and removing old ones."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pytest_velo.errors import StoreError
from pytest_velo.reading import decoder, lines_in, pieces_of, read_bytes
from pytest_velo.records import Address
from pytest_velo.settings import STUB

LATEST_FILE = "latest"
_LONGEST_NAME = 255
_COMPUTED = ("scripted/", f"{STUB}/")
"""Models whose replies are computed every time and never stored."""

_NAME = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(?:-\d+)?")
_TIME = "%Y-%m-%dT%H-%M-%SZ"


class _Call(msgspec.Struct):
    address: Address
    model: str = ""


class _Trial(msgspec.Struct):
    calls: tuple[_Call, ...] = ()
    node_id: str = ""


_decode = decoder(_Trial, halves=True)


def recorded_addresses(runs: Iterable[Path], test: str = "") -> Iterator[Address]:
    """Yield the addresses of the stored draws in the folders of runs; of one test, if its id is given.

    Calls of scripted and stubbed models are left out: their replies are not stored.

    In each folder the files `trials*.jsonl` are read (xdist workers write their own), including those of a
    run that is under way.

    Raises:
        StoreError: A file cannot be read, or a line is not a trial.
    """
    for folder in runs:
        for path in sorted(folder.glob("trials*.jsonl")):
            yield from _addresses(path, test)


def run_folders(runs: Path) -> list[Path]:
    """Return the folders of all runs, sorted by name; files and links are ignored."""
    if not runs.is_dir():
        return []
    return sorted(entry for entry in runs.iterdir() if entry.is_dir() and not entry.is_symlink())


def latest_run(runs: Path) -> str:
    """Return the name of the latest finished run, as the file `latest` has it; empty without one.

    Raises:
        StoreError: The file cannot be read, or what it holds is no name.
    """
    path = runs / LATEST_FILE
    try:
        name = read_bytes(path, _LONGEST_NAME).decode("utf-8").strip()
        if not name.isprintable() or name in ("", ".", "..") or Path(name).name != name:
            raise ValueError("it holds no run's name")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise StoreError(
            f"it cannot be read ({getattr(error, 'strerror', None) or error})",
            where=str(path),
            fix="name a run instead of `latest`, or run the tests again: that writes it anew",
        ) from None
    return name


def runs_before(runs: Path, moment: datetime) -> list[Path]:
    """Return the folders of the runs that began before a moment (with a time zone), except the latest run.

    The latest run is the one that the file `latest` names. A folder whose name is not a run's time is not
    ours and is left out.
    """
    spared = latest_run(runs)
    return [
        folder
        for folder in run_folders(runs)
        if folder.name != spared and (began := _began(folder.name)) is not None and began < moment
    ]


def remove_runs(folders: Iterable[Path]) -> None:
    """Remove runs' folders with their contents.

    Raises:
        StoreError: One cannot be removed; those before it are gone.
    """
    for folder in folders:
        try:
            (folder / "run.json").unlink(missing_ok=True)  # first: half a record must not look whole
            shutil.rmtree(folder)
        except OSError as error:
            raise StoreError(
                f"the run cannot be removed: {error.strerror or error}",
                where=str(folder),
                fix="make the folder writable, or remove it yourself",
            ) from None


def _began(name: str) -> datetime | None:
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found["time"], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _addresses(path: Path, test: str) -> Iterator[Address]:
    try:
        for number, line in enumerate(lines_in(pieces_of(path)), 1):
            trial = _trial(line, path, number)
            for call in trial.calls if test in ("", trial.node_id) else ():
                if not call.model.startswith(_COMPUTED):
                    yield call.address
    except (OSError, ValueError) as error:
        raise StoreError(
            f"the run record cannot be read: {getattr(error, 'strerror', None) or error}",
            where=str(path),
            fix="make it readable, or remove the run's folder",
        ) from None


def _trial(line: bytes, path: Path, number: int) -> _Trial:
    try:
        return _decode(line) if line.strip() else _Trial()
    except ValueError as error:
        if not line.endswith(b"\n"):
            return _Trial()  # its process was killed while it wrote
        raise StoreError(
            f"the line is not a trial: {error}",
            where=f"{path}:{number}",
            fix="remove the run's folder and run again",
        ) from None
