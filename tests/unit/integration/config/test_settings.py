"""From what was written for the options to the settings of a session."""

from __future__ import annotations

import pytest

from pytest_velo.integration.config.settings import read_settings


def test_settings_read_the_environment(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    monkeypatch.setenv("VELO_SEED", "7")
    assert read_settings(pytestconfig).seed == 7  # if no --velo-seed was given
