"""Progress under pytest-xdist: what workers leave in files, and what the controller's log makes of it.

xdist hands on reports and nothing else, so a worker writes its standing to a file in a folder that the
controller names. A worker on another machine cannot; of it the controller knows what reports say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from pytest_velo.integration.compat import terminal_reporter
from pytest_velo.integration.run import progress
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import add_costs
from pytest_velo.report.progress import Standing
from pytest_velo.runner.run import Run

WRITE_EVERY_S = 5.0
LOOK_EVERY_S = 1.0


class Note(msgspec.Struct, frozen=True):
    """What a worker tells: of the tests it samples, and what it has spent in all.

    Attributes:
        n: Trials that have ended; 0 where nothing is sampled.
        most: Trials there may be at most.
        elapsed_s: Seconds since their sampling began.
        cost_usd: Dollars; None if a price is unknown.
    """

    n: int
    most: int
    elapsed_s: float
    cost_usd: float | None


class Notes:
    """In a worker: leaves notes in place of lines; called as `Progress` is."""

    def __init__(self, config: pytest.Config, runs: Mapping[str, Run], file: Path) -> None:
        self._config = config
        self._runs = runs
        self._file = file
        self._next_s = time.monotonic() + progress.FIRST_AFTER_S
        self._lock = threading.Lock()

    def __call__(self, _: Run) -> None:
        """Leave a note, if it is time."""
        with self._lock:
            if (now := time.monotonic()) >= self._next_s:
                self._next_s = now + WRITE_EVERY_S
                at = progress.standing_of(self._config, self._runs, now_s=now)
                self._write(Note(at.n or 0, at.most or 0, at.elapsed_s, at.cost_usd))

    def close(self) -> None:
        """Leave what was spent: nothing is sampled any more."""
        with self._lock:
            if self._file.exists():
                at = progress.standing_of(self._config, self._runs, now_s=0.0)
                self._write(Note(0, 0, 0.0, at.cost_usd))
            self._next_s = float("inf")

    def _write(self, note: Note) -> None:
        new = self._file.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(note))
            new.replace(self._file)
        except OSError:  # another machine, a full disk: the controller has the reports
            self._next_s = float("inf")


class WorkersLog:
    """On the controller: a plain line a minute while workers run.

    Args:
        config: Pytest's.
        folder: Where workers leave notes.
    """

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="velo-progress", daemon=True)

    def start(self) -> None:
        """Begin; nothing is written under `-q`, or where nothing shows it."""
        if terminal_reporter(self._config) is not None and self._config.get_verbosity() >= 0:
            progress.log_of(self._config)  # the first line is due a minute from now
            self._thread.start()

    def close(self) -> None:
        """End; no line follows."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        """Write a line if it is time, in one piece: pytest may write meanwhile."""
        reporter, log = terminal_reporter(self._config), progress.log_of(self._config)
        if reporter is not None and log.due():
            reporter.write(log.line(reporter, self._standing(self._config.stash[SESSION])), flush=True)

    def _standing(self, session: VeloSession) -> Standing:
        notes = self._notes()
        going = [note for note in notes if note.n]
        reported = add_costs(result.cost_usd for result in [*session.reported.values()])
        noted = add_costs(note.cost_usd for note in notes)
        return Standing(
            names=[node_id.split("::", 1)[-1] for node_id in [*session.begun]],
            n=sum(note.n for note in going) or None,
            most=sum(note.most for note in going) or None,
            most_more_s=max((note.elapsed_s / note.n * (note.most - note.n) for note in going), default=None),
            n_tests=session.n_selected,
            ended=progress.ended_of(session, {}),
            cost_usd=None if reported is None or noted is None else max(reported, noted),
        )

    def _notes(self) -> list[Note]:
        notes = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                notes.append(msgspec.json.decode(file.read_bytes(), type=Note))
            except (OSError, msgspec.DecodeError):  # gone meanwhile, or of another version
                continue
        return notes


def progress_of(config: pytest.Config, runs: Mapping[str, Run]) -> progress.Progress | Notes:
    """Return what tells how far runs are: lines in this process, notes in a worker."""
    file = config.stash[SESSION].notes_file
    return progress.Progress(config, runs) if file is None else Notes(config, runs, file)
