"""The live line while a hypothesis is sampled: only on a terminal, and erased when the verdict is in."""

from __future__ import annotations

import shutil
import time

import pytest

from pytest_velo.integration.compat import terminal_reporter
from pytest_velo.report.progress import run_line
from pytest_velo.runner.run import Run

EVERY_S = 0.1
FIRST_AFTER_S = 0.3  # so that runs from the cache show no line


class Progress:
    """Called by the run whenever its prefix grows; redraws at most ten times a second."""

    def __init__(self, config: pytest.Config, name: str) -> None:
        reporter = terminal_reporter(config)
        on_terminal = reporter is not None and reporter.isatty and config.get_verbosity() >= 0
        self._reporter = reporter if on_terminal else None
        self._name = name
        self._next_s = time.monotonic() + FIRST_AFTER_S
        self._drawn = False

    def __call__(self, run: Run) -> None:
        """Redraw the line if it is time."""
        if self._reporter is None or (now := time.monotonic()) < self._next_s:
            return
        self._next_s = now + EVERY_S
        if not self._drawn:
            self._reporter.ensure_newline()
            self._drawn = True
        self._reporter.rewrite(run_line(run, self._name, shutil.get_terminal_size().columns - 1), erase=True)
        self._reporter.flush()

    def close(self) -> None:
        """Erase the line."""
        if self._reporter is not None and self._drawn:
            self._reporter.rewrite("", erase=True)
            self._reporter.write("\r")
            self._drawn = False
