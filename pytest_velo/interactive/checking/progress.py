"""The live line of a check: on a terminal, in a notebook, or nowhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from pytest_velo.records import add_costs
from pytest_velo.report.numbers import count
from pytest_velo.report.progress import Standing, live_line
from pytest_velo.runner.distance import pair_counts
from pytest_velo.runner.run import Run

EVERY_S = 0.1
FIRST_AFTER_S = 0.3  # so that runs from the cache show no line
FIRST_IN_A_CELL_S = 1.0  # likewise: a display that was once there leaves an empty one behind
_MOST_COLUMNS = 110


class Screen(Protocol):
    """Where a line can be shown and taken back."""

    def show(self, line: str) -> None:
        """Put the line in the place of the last one."""
        ...

    def clear(self) -> None:
        """Take it back."""
        ...


class Progress:
    """Called by runs whenever their prefix grows, on the sampling loop; keeps the latest line.

    Args:
        screen: Where it is shown; None for nowhere.
        n_runs: How many hypotheses are sampled together.
        by_itself: The caller does not draw, so the runs do.
    """

    def __init__(self, screen: Screen | None, n_runs: int, *, by_itself: bool) -> None:
        self._screen = screen
        self._n_runs = n_runs
        self._by_itself = by_itself
        self._next_s = time.monotonic() + (FIRST_IN_A_CELL_S if isinstance(screen, _Cell) else FIRST_AFTER_S)
        self._ended: set[str] = set()
        self._line = ""
        self._drawn = ""

    def __call__(self, run: Run) -> None:
        """Note where a run is, if it is time."""
        if run.stop is not None:
            self._ended.add(run.hypothesis.node_id)
        if self._screen is None or (now := time.monotonic()) < self._next_s:
            return
        self._next_s = now + EVERY_S
        width = min(_MOST_COLUMNS, shutil.get_terminal_size().columns - 1)
        name = run.hypothesis.node_id.rpartition("::")[2]
        if self._n_runs > 1:
            name = f"{len(self._ended)} of {count(self._n_runs, 'setting')} ended; {name}"
        self._line = live_line(_standing(run, name, now), width=width)
        if self._by_itself:
            self.draw()

    def draw(self) -> None:
        """Show the latest line, if there is a newer one."""
        if self._screen is not None and self._line != self._drawn:
            self._drawn = self._line
            self._screen.show(self._line)

    def close(self) -> None:
        """Take the line back."""
        if self._screen is not None and self._drawn:
            self._screen.clear()


def _standing(run: Run, name: str, now: float) -> Standing:
    """Return the standing of a run; without an interval, whose inversion takes milliseconds on the loop."""
    statistic, frame = run.hypothesis.claim.statistics[0], run.hypothesis.frame
    least = run.weigher.min_more()
    return Standing(
        names=[name],
        n=len(run.trials),
        most=run.hypothesis.design.max_units * frame.unit_size,
        elapsed_s=now - run.started_s,
        least_more=least * frame.unit_size if least else None,
        what="difference" if statistic.arms else "rate" if statistic.binary else "mean",
        estimate=run.estimate,
        pairs=pair_counts(run.units, binary=statistic.binary),
        cost_usd=add_costs(trial.cost_usd for trial in run.trials),
    )


@contextmanager
def progress(n_runs: int, *, by_itself: bool) -> Iterator[Progress]:
    """Give a live line that is gone when the block ends."""
    live = Progress(_screen(by_itself=by_itself), n_runs, by_itself=by_itself)
    try:
        yield live
    finally:
        live.close()


def in_notebook() -> Any:
    """Return the shell of the running notebook; None where none runs. It imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


def _screen(*, by_itself: bool) -> Screen | None:
    if in_notebook() is not None:
        return None if by_itself else _Cell()  # a display is updated from the cell's own thread
    return _Terminal() if sys.stderr is not None and sys.stderr.isatty() else None


class _Terminal:
    """The last line of a terminal; what is printed goes elsewhere, or above."""

    def show(self, line: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{line}")
        sys.stderr.flush()

    def clear(self) -> None:
        self.show("")


class _Cell:
    """A display of the running cell."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, line: str) -> None:
        bundle = {"text/plain": line}
        if self._handle is None:
            self._handle = sys.modules["IPython"].display.display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def clear(self) -> None:
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)
