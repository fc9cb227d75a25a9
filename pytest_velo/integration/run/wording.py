"""A result in full, as pytest's reports show it."""

from __future__ import annotations

import sys

import pytest

from pytest_velo.integration.compat import terminal_reporter, width_of
from pytest_velo.integration.session import SESSION
from pytest_velo.records import HypothesisResult
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import UNWRAPPED, Line, as_text


def verdict_lines(
    config: pytest.Config,
    result: HypothesisResult,
    width: int,
    *,
    notices: bool = True,
    problem: bool = True,
) -> list[Line]:
    """Return the lines of a result, with the trials that the settings show.

    Without `notices` where the summary, which says each once, is written, too. Without `problem` below the
    error itself.
    """
    settings = config.stash[SESSION].settings
    return failure_lines(
        result,
        settings.show,
        config.get_verbosity(),
        kind=settings.show_kind,
        notices=notices,
        problem=problem,
        width=width,
        encoding=sys.stdout.encoding,
    )


def verdict_text(config: pytest.Config, result: HypothesisResult) -> str:
    """Return those lines as a text for machines, which is not wrapped."""
    return as_text(verdict_lines(config, result, UNWRAPPED))


def terminal_width(config: pytest.Config) -> int:
    """Return the columns of the terminal; 80 where there is none (xdist workers)."""
    reporter = terminal_reporter(config)
    return 80 if reporter is None else max(40, width_of(reporter))
