"""A result in full, as pytest's reports show it."""

from __future__ import annotations

import sys

import pytest

from pytest_velo.integration.session import SESSION
from pytest_velo.records import HypothesisResult
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import Line, as_text


def verdict_lines(config: pytest.Config, result: HypothesisResult) -> list[Line]:
    """Return the lines of a result, with as many trials as the settings show."""
    settings = config.stash[SESSION].settings
    return failure_lines(result, settings.show, config.get_verbosity(), encoding=sys.stdout.encoding)


def verdict_text(config: pytest.Config, result: HypothesisResult) -> str:
    """Return those lines as text."""
    return as_text(verdict_lines(config, result))
