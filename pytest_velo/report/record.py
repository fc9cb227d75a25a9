"""The run record on disk: `runs/<run id>/run.json` and `trials.jsonl`, and `runs/latest`.

Written atomically and sorted by (node id, index), so the same run gives the same bytes except for times. JSON
is written in ASCII: a record that is printed cannot reorder or colour a terminal.
"""

from __future__ import annotations

import heapq
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_velo.cache.runs import LATEST_FILE
from pytest_velo.errors import StoreError
from pytest_velo.reading import lines_in
from pytest_velo.records import HypothesisResult
from pytest_velo.report.document import RunDocument, to_json
from pytest_velo.report.transcript import trial_to_json

if TYPE_CHECKING:
    import msgspec

RUN_FILE = "run.json"
TRIALS_FILE = "trials.jsonl"
_WORKER_FILES = "trials-*.jsonl"
_PIECE = 2**16


def runs_folder(cache_dir: str | Path) -> Path:
    """Return the folder that holds the records of all runs."""
    return Path(cache_dir) / "runs"


def run_name(started_at: datetime) -> str:
    """Return a run's id: the time in UTC as a file name; a time without a zone is taken as local."""
    return started_at.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")


def create_run(cache_dir: str | Path, started_at: datetime, name: str | None = None) -> Path:
    """Create the folder of a new run; its name, the run's id, is the time in UTC.

    Runs that start within one second get `-2`, `-3`, ... appended. With `name`, the id that several processes
    agreed on, the folder may exist already.

    Raises:
        StoreError: The folder cannot be created.
    """
    stem = name or run_name(started_at)
    runs = runs_folder(cache_dir)
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for attempt in count(1):
            folder = runs / (stem if attempt == 1 else f"{stem}-{attempt}")
            try:
                folder.mkdir()  # creating it claims the name among processes
            except FileExistsError:
                if name is None:
                    continue
            return folder
    except OSError as problem:
        raise StoreError(
            f"the run's folder cannot be created: {problem.strerror or problem}",
            where=str(runs),
            fix="name a writable folder with --velo-cache-dir",
        ) from problem
    raise AssertionError("count() does not end")


def trial_lines(result: HypothesisResult) -> Iterator[bytes]:
    """Yield the lines of a result's trials, by index."""
    for trial in sorted(result.trials, key=lambda trial: trial.index):
        yield _line(trial_to_json(result.node_id, trial))


class Packed:
    """Lines that wait to be written: they are much alike, so they take a tenth of their memory."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        packer = zlib.compressobj(level=1)
        parts = [packer.compress(line) for line in lines]
        self._packed = b"".join([*parts, packer.flush()])

    def __iter__(self) -> Iterator[bytes]:
        return lines_in(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        unpacker, left = zlib.decompressobj(), self._packed
        while left:
            yield unpacker.decompress(left, _PIECE)
            left = unpacker.unconsumed_tail
        yield unpacker.flush()


def write_trials(folder: Path, lines: Mapping[str, Iterable[bytes]], worker: str | None = None) -> Path:
    r"""Write the lines of trials, in the order of their node ids, and return the file.

    Args:
        folder: The run's folder.
        lines: By node id, as `trial_lines` yields them.
        worker: The worker's id under pytest-xdist (each writes its own file); None for the only process.

    Raises:
        StoreError: It cannot be written.
    """
    path = folder / (TRIALS_FILE if worker is None else f"trials-{worker}.jsonl")
    _write_atomically(path, (line for node_id in sorted(lines) for line in lines[node_id]))
    return path


def merge_trials(folder: Path) -> Path:
    """Merge the workers' files into one, by (node id, index), in constant memory; then remove them.

    It returns the file of all trials and may be repeated; without workers' files it changes nothing.

    Raises:
        StoreError: It cannot be written.
    """
    target = folder / TRIALS_FILE
    workers = sorted(folder.glob(_WORKER_FILES))
    if not workers:
        return target
    parts = [*([target] if target.exists() else []), *workers]
    with ExitStack() as stack:
        files = [stack.enter_context(part.open("rb")) for part in parts]
        _write_atomically(target, heapq.merge(*files, key=_position))
    for part in workers:
        part.unlink()
    return target


def write_run(folder: Path, document: RunDocument) -> Path:
    r"""Write the document without its results' trials, point `runs/latest` to this run, and return the file.

    Raises:
        StoreError: It cannot be written.
    """
    path = folder / RUN_FILE
    _write_atomically(path, _pretty(to_json(document)))
    _write_atomically(folder.parent / LATEST_FILE, [f"{folder.name}\n".encode("ascii")])
    return path


def _line(value: Any) -> bytes:
    """Return a line of ASCII; texts with other characters take a slower path."""
    try:
        line = _encoder().encode(value)
    except UnicodeEncodeError:  # half a surrogate pair
        return _escaped(value)
    return line + b"\n" if line.isascii() and b"\x7f" not in line else _escaped(value)


def _escaped(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


@cache
def _encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder()


def _pretty(value: Any) -> Iterator[bytes]:
    yield json.dumps(value, allow_nan=False, indent=1).encode("ascii")
    yield b"\n"


def _position(line: bytes) -> tuple[str, int]:
    trial = json.loads(line)
    return trial["node_id"], trial["index"]


def _write_atomically(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that a reader sees the old one or the complete new one, never a part.

    Raises:
        StoreError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as problem:
        raise StoreError(
            f"it cannot be written: {problem.strerror or problem}",
            where=str(path),
            fix="free some space or name another folder with --velo-cache-dir",
        ) from problem
    finally:
        temporary.unlink(missing_ok=True)
