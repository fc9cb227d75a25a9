"""Opening the state of a session that was told something, or that has a hypothesis."""

from __future__ import annotations

import pytest

from pytest_velo.integration.session import VeloSession
from pytest_velo.integration.startup import begin, session_of


def test_a_configuration_has_one_session(pytestconfig: pytest.Config) -> None:
    assert session_of(pytestconfig) is session_of(pytestconfig)


def test_an_unreadable_seed_is_a_usage_error(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VELO_SEED", "eleven")
    # if no --velo-seed was given
    with pytest.raises(pytest.UsageError, match="VELO_SEED: 'eleven' cannot be read: a whole number"):
        begin(VeloSession(pytestconfig, told=True), pytestconfig)
