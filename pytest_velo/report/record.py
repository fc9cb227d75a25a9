"""The run record on disk: `runs/<run id>/run.json` and `trials.jsonl`, and `runs/latest`.

While the tests run, the trials of each hypothesis are appended as it ends, and its result goes to
`results.jsonl`: a process that is killed loses the hypothesis it was at, not those before it. In the end the
trials are sorted by (node id, index), so the same run gives the same bytes except for times, and `run.json`
takes the place of the results. JSON is written in ASCII: a record that is printed cannot reorder or colour a
terminal.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from pytest_velo.cache.runs import LATEST_FILE
from pytest_velo.errors import StoreError
from pytest_velo.reading import decoder, json_in, lines_in, pieces_of, read_bytes
from pytest_velo.records import HypothesisResult
from pytest_velo.report.document import RunDocument, from_json, result_from_json, result_to_json, to_json
from pytest_velo.report.transcript import trial_to_json
from pytest_velo.writing import whole

if TYPE_CHECKING:
    import msgspec

RUN_FILE = "run.json"
TRIALS_FILE = "trials.jsonl"
RESULTS_FILE = "results.jsonl"
"""The document's head, then a result on each line; only in a run that goes on, or was killed."""
JUDGED = "judge"
"""The mode of a record of `velo judge`: its trials come from logs, and there is no test behind them."""
_WORKER_FILES = "trials-*.jsonl"
_PIECE = 2**16

_Place = tuple[Path, int, int]
"""Of a line: its file, where it starts, and its length."""


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


def append_trials(folder: Path, lines: Mapping[str, Iterable[bytes]], worker: str | None = None) -> Path:
    """Append the lines of trials to the file of this process, and return the file.

    Args:
        folder: The run's folder.
        lines: By node id, as `trial_lines` yields them.
        worker: The worker's id under pytest-xdist (each writes its own file); None for the only process.

    Raises:
        StoreError: It cannot be written.
    """
    path = folder / _trials_file(worker)
    _append(path, (line for node_id in lines for line in lines[node_id]))
    return path


def merge_trials(folder: Path) -> Path:
    """Sort the files of all processes into one, by (node id, index), and remove the others.

    Of a test that ran again in one process, only the last run stays. A line that a killed process left
    unfinished is dropped. It returns the file of all trials and may be repeated.

    Raises:
        StoreError: It cannot be written.
    """
    target = folder / TRIALS_FILE
    files = trial_files(folder)
    if not files:
        return target
    places = trial_places(files)
    if files == [target] and _is_whole(target, _in_order(places)):
        return target
    with ExitStack() as stack:
        opened = {file: stack.enter_context(file.open("rb")) for file in files}
        lines = (_read_at(opened[file], start, n) for file, start, n in _in_order(places))
        _write_atomically(target, lines)
    for file in files:
        if file != target:
            file.unlink()
    return target


def _in_order(places: Mapping[str, Places]) -> Iterator[_Place]:
    return (place for node_id in sorted(places) for place in places[node_id])


def _is_whole(path: Path, places: Iterable[_Place]) -> bool:
    """Tell whether lines follow each other in a file from its start to its end."""
    end = 0
    for _, start, length in places:
        if start != end:
            return False
        end += length
    return end == path.stat().st_size


def trial_files(folder: Path) -> list[Path]:
    """Return the files of trials in a run's folder: one, unless the run goes on or was killed."""
    target = folder / TRIALS_FILE
    return [*([target] if target.exists() else []), *sorted(folder.glob(_WORKER_FILES))]


class Places:
    """Where the lines of one test's trials are, by index: 32 bytes a trial, for there may be millions."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._known: list[array[int]] = [array("q") for _ in range(4)]

    def add(self, index: int, path: Path, start: int, length: int) -> None:
        """Note a line."""
        if path not in self._files:
            self._files.append(path)
        for column, value in zip(self._known, (index, self._files.index(path), start, length), strict=True):
            column.append(value)

    def drop(self, path: Path) -> None:
        """Forget the lines of a file."""
        kept = [row for row in zip(*self._known, strict=True) if self._files[row[1]] != path]
        self._known = [array("q", column) for column in zip(*kept, strict=True)] or [
            array("q") for _ in range(4)
        ]

    def __len__(self) -> int:
        return len(self._known[0])

    def __iter__(self) -> Iterator[_Place]:
        indices, files, starts, lengths = self._known
        order: Iterable[int] = range(len(self))
        if any(later < earlier for earlier, later in pairwise(indices)):
            order = sorted(order, key=lambda at: (indices[at], self._files[files[at]], starts[at]))
        return ((self._files[files[at]], starts[at], lengths[at]) for at in order)


def trial_places(files: Iterable[Path]) -> dict[str, Places]:
    """Return where every trial is, by node id; of a test that ran again, of its last run.

    Raises:
        StoreError: A finished line is not a trial.
    """
    places: dict[str, Places] = {}
    for path in files:
        seen: dict[str, int] = {}
        start = 0
        for number, line in enumerate(lines_in(pieces_of(path)), 1):
            if not line.endswith(b"\n"):
                break  # the process was killed while it wrote
            trial = _position(line, f"{path}:{number}")
            if trial.index <= seen.get(trial.node_id, -1):
                places[trial.node_id].drop(path)
            seen[trial.node_id] = trial.index
            if trial.node_id not in places:
                places[trial.node_id] = Places()
            places[trial.node_id].add(trial.index, path, start, len(line))
            start += len(line)
    return places


def append_result(folder: Path, document: RunDocument, result: HypothesisResult) -> None:
    """Append a result to the file of results; `document` is the run's, without any.

    Raises:
        StoreError: It cannot be written.
    """
    path = folder / RESULTS_FILE
    head = [] if path.exists() else [_escaped(to_json(document))]
    _append(path, [*head, _escaped(result_to_json(result))])


def read_results(folder: Path) -> RunDocument:
    """Return what a run that did not end has written of its document; its duration is up to the last result.

    Raises:
        OSError, ValueError, StoreError: The file cannot be read.
    """
    path = folder / RESULTS_FILE
    head, *lines = (line for line in read_bytes(path).splitlines(keepends=True) if line.endswith(b"\n"))
    document = from_json(json_in(head))
    results = {found.node_id: found for found in map(result_from_json, map(json_in, lines))}
    began = datetime.fromisoformat(document.started_at).timestamp()
    took_s = max(0.0, path.stat().st_mtime - began)
    return replace(document, duration_s=took_s, results=tuple(results.values()))


def write_run(folder: Path, document: RunDocument) -> Path:
    r"""Write the document without its results' trials, point `runs/latest` to this run, and return the file.

    Raises:
        StoreError: It cannot be written.
    """
    path = folder / RUN_FILE
    _write_atomically(path, _pretty(to_json(document)))
    (folder / RESULTS_FILE).unlink(missing_ok=True)
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


class _Position(msgspec.Struct):
    node_id: str
    index: int


@cache
def _decoder() -> Callable[[bytes], _Position]:
    return decoder(_Position, halves=True)


def _position(line: bytes, where: str) -> _Position:
    try:
        return _decoder()(line)
    except ValueError as problem:
        raise StoreError(
            f"this line cannot be read ({problem})", where=where, fix="remove the run's folder and run again"
        ) from problem


def _read_at(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _trials_file(worker: str | None) -> str:
    return TRIALS_FILE if worker is None else f"trials-{worker}.jsonl"


def _append(path: Path, lines: Iterable[bytes]) -> None:
    try:
        with path.open("ab") as file:
            file.writelines(lines)
    except OSError as problem:
        raise _unwritable(path, problem) from problem


def _unwritable(path: Path, problem: OSError) -> StoreError:
    return StoreError(
        f"it cannot be written: {problem.strerror or problem}",
        where=str(path),
        fix="free some space or name another folder with --velo-cache-dir",
    )


def _write_atomically(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that a reader sees the old one or the complete new one, never a part.

    Raises:
        StoreError: It cannot be written.
    """
    try:
        # A folder that is gone took the trials with it: it is not made again.
        with whole(path, makes_folder=False, synced=True) as part, part.open("wb") as file:
            file.writelines(chunks)
    except OSError as problem:
        raise _unwritable(path, problem) from problem
