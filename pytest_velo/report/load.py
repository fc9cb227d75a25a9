"""Reading run records back: `pytest_velo.load()`."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_velo.cache.runs import latest_run
from pytest_velo.errors import StoreError, UsageError, nearest
from pytest_velo.reading import checked, json_in, lines_in, pieces_of, read_bytes
from pytest_velo.records import HypothesisResult, Outcome, TrialRecord
from pytest_velo.report.document import RunDocument, from_json
from pytest_velo.report.frames.frame import columns_of, table_named, to_pandas, to_polars
from pytest_velo.report.frames.rows import rows_of
from pytest_velo.report.record import (
    RESULTS_FILE,
    RUN_FILE,
    TRIALS_FILE,
    Places,
    read_results,
    runs_folder,
    trial_files,
    trial_places,
)
from pytest_velo.report.sheet import rows_to_label
from pytest_velo.report.transcript import trial_from_json
from pytest_velo.verdicts import Decision

if TYPE_CHECKING:
    import pandas
    import polars

_LINE_START = b'{"node_id":'
_DECODER = json.JSONDecoder()


def load(run: str = "latest", cache_dir: str | Path = ".pytest_velo") -> Run:
    """Load the record of a run.

    Args:
        run: A run's id (the name of its folder), or `latest`.
        cache_dir: The folder given as `--velo-cache-dir`.

    Returns:
        The run; its trials are read on first use.

    Raises:
        UsageError: There is no such run.
        StoreError: The record is damaged, or was written by a newer version.

    >>> load(cache_dir="nowhere")
    Traceback (most recent call last):
        ...
    pytest_velo.errors.UsageError: nowhere/runs: there is no record of a run here
      fix: run pytest on your hypotheses first, or name the folder: --cache-dir, load(cache_dir=...)
    """
    runs = runs_folder(cache_dir)
    name = _latest(runs) if run == "latest" else run
    file, begun = runs / name / RUN_FILE, runs / name / RESULTS_FILE
    if not _is_name(name) or not (file.is_file() or begun.is_file()):
        known = sorted(
            {path.parent.name for kind in (RUN_FILE, RESULTS_FILE) for path in runs.glob(f"*/{kind}")}
        )
        raise UsageError(
            f"there is no finished run {name!r}",
            where=str(runs),
            fix=nearest(name, known) if known else "run pytest on your hypotheses first",
        )
    if not file.is_file():
        with _damage_to(begun):
            return Run(runs / name, read_results(runs / name), is_partial=True)
    return load_folder(runs / name)


def load_folder(folder: Path) -> Run:
    """Load the record in a folder, wherever it was moved to.

    Raises:
        UsageError: There is none.
        StoreError: It is damaged, or was written by a newer version.
    """
    file = folder / RUN_FILE
    if not file.is_file():
        raise UsageError(
            f"there is no {RUN_FILE} in this folder",
            where=str(folder),
            fix="name the folder of a run's record",
        )
    with _damage_to(file):
        data = json_in(read_bytes(file))
        if not isinstance(data, dict):
            raise ValueError("not a JSON object")
        return Run(folder, from_json(data))


def _is_name(text: str) -> bool:
    """Tell whether a text can be the name of a run's folder."""
    return Path(text).name == text and text.isprintable() and len(text.encode("utf-8", "replace")) <= 255


@contextmanager
def _damage_to(file: Path) -> Iterator[None]:
    """Make what reading a damaged file raises an error that names the file."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        raise StoreError(
            f"it cannot be read ({problem})", where=str(file), fix="remove the folder and run again"
        ) from problem
    except StoreError as problem:
        problem.where = str(file)
        raise


def _latest(runs: Path) -> str:
    name = latest_run(runs)
    if not name:
        raise UsageError(
            "there is no record of a run here",
            where=str(runs),
            fix="run pytest on your hypotheses first, or name the folder: --cache-dir, load(cache_dir=...)",
        )
    return name


class RecordedHypothesis:
    """One hypothesis of a recorded run: a `HypothesisResult` whose trials are read on first use.

    It has every other attribute of `HypothesisResult` too (`claim`, `cost_usd`, `notices`, ...).
    """

    def __init__(self, run: Run, result: HypothesisResult) -> None:
        self._run = run
        self._result = result

    @property
    def node_id(self) -> str:
        """The test's node id."""
        return self._result.node_id

    @property
    def outcome(self) -> Outcome:
        """The outcome of the hypothesis."""
        return self._result.outcome

    @property
    def decision(self) -> Decision | None:
        """The verdict with its evidence; None for an error or a skip."""
        return self._result.decision

    @cached_property
    def trials(self) -> tuple[TrialRecord, ...]:
        """The trials of the stopping prefix, in submission order."""
        return self._run.trials_of(self.node_id)

    def to_label(self, every: int | None = None, *, hide: Collection[str] = ()) -> list[dict[str, str]]:
        """Return the trials to label, blind and in the order of labels, as rows of plain texts.

        A row has `trial`, `label`, `note`, `by` and `question`, which are empty but the first, the case's
        fields as `case.<field>`, and the `transcript`. With its `label` filled in, `yes`, `no`, a number or
        `skip`, it is a row of a file that `truth=labels(...)` reads.

        Args:
            every: One trial in so many is labelled; None for what the test says, or 20.
            hide: Names of fields of cases, and of parts that models play, to leave out.

        Raises:
            UsageError: There are no transcripts.
            StoreError: A line of the record cannot be read.
        """
        whole = replace(self._result, trials=self.trials)
        return rows_to_label(whole, every, hide)

    @property
    def without_trials(self) -> HypothesisResult:
        """The result as it was recorded, without its trials."""
        return self._result

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._result, name)

    def __repr__(self) -> str:
        return f"<{self.node_id}: {self.claim}: {self.outcome}>"


class Run:
    """A recorded run. `run["part of a node id"]` is the one hypothesis whose node id contains that part.

    Attributes:
        folder: Where the record is.
        document: Everything about the run except its trials.
        results: The hypotheses in the order they ran.
        is_partial: The run goes on, or was killed: it has the hypotheses that had ended by then.
    """

    def __init__(self, folder: Path, document: RunDocument, *, is_partial: bool = False) -> None:
        self.folder = folder
        self.is_partial = is_partial
        self.document = document
        self.results = tuple(RecordedHypothesis(self, result) for result in document.results)

    @cached_property
    def by_node_id(self) -> dict[str, RecordedHypothesis]:
        """The hypotheses by node id; of a test that ran again, the last."""
        return {result.node_id: result for result in self.results}

    def trials(self, node_id: str | None = None) -> Iterator[dict[str, Any]]:
        """Iterate over the recorded trials as dicts, in order of (node id, index).

        Args:
            node_id: Only the trials of this test; None for all.

        Raises:
            StoreError: A line cannot be parsed.
        """
        if self.is_partial:
            yield from self._partial_trials(node_id)
            return
        path = self.folder / TRIALS_FILE
        if not path.exists():
            return
        if node_id is None:
            for number, line in enumerate(_lines(path), 1):
                yield _parse(line, f"{path}:{number}")
            return
        with path.open("rb") as file:
            numbers, offsets = self._places.get(node_id, ((), ()))
            for number, offset in zip(numbers, offsets, strict=True):
                file.seek(offset)
                yield _parse(file.readline(), f"{path}:{number}")

    def trials_of(self, node_id: str) -> tuple[TrialRecord, ...]:
        """Return the recorded trials of a test, in submission order.

        Raises:
            StoreError: A line cannot be read, or is no trial.
        """
        found = []
        for trial in self.trials(node_id):
            try:
                found.append(checked(trial_from_json(trial)))
            except (KeyError, TypeError, ValueError, AttributeError) as problem:
                where = f"{self.folder / TRIALS_FILE}, test {node_id}, trial {len(found)}"
                raise _unreadable(f"{type(problem).__name__}: {problem}", where) from None
        return tuple(found)

    def n_trials_of(self, node_id: str) -> int:
        """Count the recorded trials of a test, without reading them.

        Raises:
            StoreError: A line cannot be read.
        """
        if self.is_partial:
            return len(self._partial_places.get(node_id, ()))
        if not (self.folder / TRIALS_FILE).exists():
            return 0
        numbers, _ = self._places.get(node_id, ((), ()))
        return len(numbers)

    def _partial_trials(self, node_id: str | None) -> Iterator[dict[str, Any]]:
        """Yield trials from the files of all processes, which nobody has sorted."""
        places = self._partial_places
        for name in sorted(places) if node_id is None else [node_id]:
            for path, start, length in places.get(name, ()):
                with path.open("rb") as file:
                    file.seek(start)
                    yield _parse(file.read(length), f"{path} at byte {start}")

    def rows(self, table: str = "trials") -> Iterator[dict[str, Any]]:
        """Iterate over the rows of a table as dicts of plain values, None where one is not known.

        Args:
            table: What a row is: one of the `trials`, with its case's fields as `case.<field>` and named
                outcomes as `outcome.<name>`; of the `hypotheses`; of the `claims`, of which a joint one has
                several; or of the `messages`, everything that was said in the trials.

        Raises:
            UsageError: There is no such table.
            StoreError: A line of the record cannot be read.
        """
        return rows_of(self, table_named(table), self._unfinished())

    def to_pandas(self, table: str = "trials") -> pandas.DataFrame:
        """Return a table as a data frame of pandas; a value that is not known is `<NA>`.

        Args:
            table: As for `rows`.

        Raises:
            UsageError: There is no such table, or pandas is not installed.
            StoreError: A line of the record cannot be read.
        """
        return to_pandas(columns_of(table_named(table), self.rows(table)))

    def to_polars(self, table: str = "trials") -> polars.DataFrame:
        """Return a table as a data frame of polars, with the columns and values of `to_pandas`.

        Args:
            table: As for `rows`.

        Raises:
            UsageError: There is no such table, or polars is not installed.
            StoreError: A line of the record cannot be read.
        """
        return to_polars(columns_of(table_named(table), self.rows(table)))

    def _unfinished(self) -> list[str]:
        """Return the tests that have trials, whose process was killed before their result was written."""
        known = {result.node_id for result in self.document.results}
        for result in self.document.results:
            if result.ladder is not None:
                known |= {rung.recorded_as for rung in result.ladder.rungs}
        if self.is_partial:
            names = sorted(self._partial_places)
        else:
            names = [*self._places] if (self.folder / TRIALS_FILE).exists() else []
        return [name for name in names if name not in known]

    @cached_property
    def _partial_places(self) -> dict[str, Places]:
        """The same of a run that did not end, from the files of its processes, as they were first read."""
        return trial_places(trial_files(self.folder))

    @cached_property
    def _places(self) -> dict[str, tuple[array[int], array[int]]]:
        """Which lines are each test's, and where they start: one quick pass that decodes node ids only."""
        places: dict[str, tuple[array[int], array[int]]] = {}
        path = self.folder / TRIALS_FILE
        position = 0
        for number, line in enumerate(_lines(path), 1):
            numbers, offsets = places.setdefault(_node_id(line, f"{path}:{number}"), (array("q"), array("q")))
            numbers.append(number)
            offsets.append(position)
            position += len(line)
        return places

    def __getitem__(self, part: str) -> RecordedHypothesis:
        exact = [result for result in self.results if result.node_id == part]
        found = exact or [result for result in self.results if part in result.node_id]
        if len(found) == 1:
            return found[0]
        names = [result.node_id for result in found or self.results]
        if found:
            raise UsageError(
                f"{part!r} matches {len(found)} tests", fix=f"be more precise: {', '.join(names)}"
            )
        raise UsageError(f"no test of the run has {part!r} in its node id", fix=nearest(part, names))

    def __repr__(self) -> str:
        ended = ", did not end" if self.is_partial else ""
        return f"<run {self.document.run_id}: {len(self.results)} hypotheses{ended}>"


def _lines(path: Path) -> Iterator[bytes]:
    try:
        yield from lines_in(pieces_of(path))
    except (OSError, ValueError) as problem:
        raise _unreadable(getattr(problem, "strerror", None) or problem, str(path)) from problem


def _node_id(line: bytes, where: str) -> str:
    """Return a line's node id without decoding the transcript after it."""
    if not line.startswith(_LINE_START):
        return str(_parse(line, where).get("node_id"))
    try:
        node_id, _ = _DECODER.raw_decode(line.decode("ascii"), len(_LINE_START))
    except (ValueError, RecursionError) as problem:
        raise _unreadable(problem, where) from problem
    return str(node_id)


def _parse(line: bytes, where: str) -> dict[str, Any]:
    try:
        trial = json_in(line)
        if not isinstance(trial, dict):
            raise ValueError("not a JSON object")
    except ValueError as problem:
        raise _unreadable(problem, where) from problem
    return trial


def _unreadable(problem: object, where: str) -> StoreError:
    return StoreError(
        f"this line cannot be read ({problem})", where=where, fix="remove the run's folder and run again"
    )
