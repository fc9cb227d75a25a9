"""Progress of a long run: a live line on a terminal, a plain line a minute in a log, nothing under `-q`.

Workers of pytest-xdist cannot write to the terminal; `afar` brings their standing to the controller's log.

The live line stands below what pytest wrote, is drawn while pytest waits for a hypothesis, and is erased
before pytest goes on in its own line. Lines are only written while the main thread waits, or from a hook that
it calls, so that none falls into pytest's own.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context
from typing import TextIO

import pytest

from pytest_velo.integration.compat import encoding_of, line_of, terminal_reporter, uncaptured
from pytest_velo.integration.config.options import in_ci
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import Outcome, add_costs
from pytest_velo.report.progress import Standing, live_line, plain_line
from pytest_velo.report.text import columns
from pytest_velo.runner.distance import pair_counts
from pytest_velo.runner.run import Run

EVERY_S = 0.1
FIRST_AFTER_S = 0.3  # so that runs from the cache show no line
LOG_EVERY_S = 60.0

_ERASE = "\r\x1b[2K"
_UP = "\x1b[A"

Clock = Callable[[], float]


def _now() -> float:
    return time.monotonic()


class Log:
    """Plain lines, one a minute at most, however many hypotheses there are."""

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock
        self._next_s = clock() + LOG_EVERY_S
        self._below = ""

    def due(self) -> bool:
        """Tell whether it is time for a line; if so, the next one is due a minute later."""
        if (now := self._clock()) < self._next_s:
            return False
        self._next_s = now + LOG_EVERY_S
        return True

    def line(self, reporter: pytest.TerminalReporter, standing: Standing) -> str:
        """Return a line of its own: pytest's line is ended first, unless the last line of this log did so."""
        above, line = line_of(reporter), plain_line(standing, encoding=encoding_of(reporter))
        head = "\n" if above and above != self._below else ""
        self._below = above
        return f"{head}{line}\n"


_LOG = pytest.StashKey[Log]()


def log_of(config: pytest.Config) -> Log:
    """Return the session's log."""
    return config.stash.setdefault(_LOG, Log())


class Progress:
    """Called by runs whenever their prefix grows; redraws at most ten times a second.

    Args:
        config: Pytest's.
        runs: By node id: that of the test that pytest waits for, then those that are sampled beside it.
        clock: Monotonic seconds.
    """

    def __init__(self, config: pytest.Config, runs: Mapping[str, Run], *, clock: Clock = _now) -> None:
        reporter = terminal_reporter(config)
        self._reporter = None if reporter is None or config.get_verbosity() < 0 else reporter
        self._is_live = self._reporter is not None and is_terminal(self._reporter)
        self._config = config
        self._log = log_of(config)
        self._runs = runs
        self._clock = clock
        self._next_s = clock() + FIRST_AFTER_S
        self._stream: TextIO | None = None
        self._drawn = False
        self._closed = False
        self._lock = threading.Lock()

    def __call__(self, _: Run) -> None:
        """Redraw the line, or write one to the log, if it is time."""
        with self._lock:  # the runs beside the one that pytest waited for go on after `close`
            if self._reporter is None or self._closed:
                return
            if not self._is_live:
                if self._log.due():
                    standing = standing_of(self._config, self._runs, now_s=self._clock())
                    self._write(self._reporter, self._log.line(self._reporter, standing))
            elif (now := self._clock()) >= self._next_s:
                self._next_s = now + EVERY_S
                self._draw(self._reporter)

    def close(self) -> None:
        """Erase the line; none is written from now on."""
        with self._lock:
            self._closed = True
            if self._reporter is not None and self._drawn:
                column = columns(line_of(self._reporter))
                self._write(self._reporter, _ERASE + _UP + (f"\x1b[{column}C" if column else ""))
            if self._stream is not None:
                self._stream.close()
                self._stream = None

    def _draw(self, reporter: pytest.TerminalReporter) -> None:
        width = shutil.get_terminal_size().columns - 1
        standing = standing_of(self._config, self._runs, now_s=self._clock())
        line = live_line(standing, width=width, encoding=encoding_of(reporter))
        self._write(reporter, (_ERASE if self._drawn else "\n") + line)
        self._drawn = True

    def _write(self, reporter: pytest.TerminalReporter, text: str) -> None:
        if self._stream is None:
            self._stream = uncaptured(self._config, reporter)
        # In a context of its own: in a body's the line would be kept as what the body printed.
        Context().run(self._stream.write, text)
        self._stream.flush()


def standing_of(config: pytest.Config, runs: Mapping[str, Run], *, now_s: float) -> Standing:
    """Return how far this process is; without intervals, whose inversion takes milliseconds on the loop."""
    session, every = config.stash[SESSION], [*runs.values()]
    going = {name: run for name, run in runs.items() if run.stop is None} or dict(runs)
    first = every[0]
    alone = len(going) == 1
    statistic = first.hypothesis.claim.statistics[0]
    return Standing(
        names=[name.split("::", 1)[-1] for name in going],
        n=sum(len(run.trials) + len(run.after) for run in every),
        most=sum(_most(run) for run in every),
        elapsed_s=now_s - min(run.started_s for run in every),
        least_more=_least_more(first) if alone else None,
        what="difference" if statistic.arms else "rate" if statistic.binary else "mean",
        estimate=first.estimate if alone else None,
        pairs=pair_counts(first.units, binary=statistic.binary) if alone else None,
        n_tests=session.n_selected,
        ended=ended_of(session, runs),
        cost_usd=_spent(session, every),
    )


def is_terminal(reporter: pytest.TerminalReporter) -> bool:
    """Tell whether a line can be drawn again: CI keeps what was erased, and some terminals cannot erase."""
    return bool(reporter.isatty) and not in_ci() and os.environ.get("TERM") != "dumb"


def _most(run: Run) -> int:
    """Return how many trials a run may take; for one that has ended, those it took."""
    if run.stop is not None:
        return len(run.trials) + len(run.after)
    return run.hypothesis.design.max_units * run.hypothesis.frame.unit_size


def _least_more(run: Run) -> int | None:
    least = run.weigher.min_more()
    return least * run.hypothesis.frame.unit_size if least else None


def ended_of(session: VeloSession, runs: Mapping[str, Run]) -> Mapping[Outcome, int]:
    """Count outcomes: of the reported, and of those that were sampled ahead and have ended."""
    ended = Counter(result.outcome for result in session.reported.values())
    for name, run in runs.items():
        if run.stop is not None and name not in session.reported:
            ended[Outcome.ERROR if run.error is not None else Outcome(run.verdict.value)] += 1
    return ended


def _spent(session: VeloSession, runs: Iterable[Run]) -> float | None:
    """Return what this process has spent."""
    sampler = session.opened_sampler
    if sampler is not None:
        return sampler.stats().cost_usd
    return add_costs(trial.cost_usd for run in runs for trial in run.trials)
