"""A result in full, as pytest's reports show it."""

from __future__ import annotations

import sys

import pytest

from pytest_velo.integration.compat import terminal_reporter
from pytest_velo.integration.session import SESSION
from pytest_velo.records import HypothesisResult
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import UNWRAPPED, Line, as_text


def verdict_lines(config: pytest.Config, result: HypothesisResult, width: int) -> list[Line]:
    """Return the lines of a result, with as many trials as the settings show."""
    settings = config.stash[SESSION].settings
    verbosity, encoding = config.get_verbosity(), sys.stdout.encoding
    return failure_lines(result, settings.show, verbosity, width=width, encoding=encoding)


def verdict_text(config: pytest.Config, result: HypothesisResult) -> str:
    """Return those lines as a text for machines, which is not wrapped."""
    return as_text(verdict_lines(config, result, UNWRAPPED))


def terminal_width(config: pytest.Config) -> int:
    """Return the columns of the terminal; 80 where there is none (xdist workers)."""
    reporter = terminal_reporter(config)
    return 80 if reporter is None else max(40, reporter._tw.fullwidth)
