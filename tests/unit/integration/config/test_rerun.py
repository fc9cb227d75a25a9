"""The line to type that runs a hypothesis again as it was run."""

from __future__ import annotations

import pytest

from pytest_velo.integration.config.rerun import rerun_line
from support.items import hypothesis_item


def test_rerun_line_names_the_seed(request: pytest.FixtureRequest) -> None:
    test = "def test_it(trial): return trial.rng.random() < 0.6"
    item, session = hypothesis_item(request, "rate >= 0.5", test, seed=7)
    assert rerun_line(item, session.settings) == "pytest test_it.py::test_it --velo-seed=7"
