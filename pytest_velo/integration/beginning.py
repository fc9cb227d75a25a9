"""Opening the state of a session that was told something, or that has a hypothesis."""

from __future__ import annotations

import pytest

from pytest_velo.errors import VeloError
from pytest_velo.integration.options import RESCORE_RUN, SESSION_PLUGIN
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.settings import Multiplicity


def session_of(config: pytest.Config, *, told: bool = False) -> VeloSession:
    """Return what the hooks of this process share, which is opened when it is first asked for.

    Args:
        config: Pytest's.
        told: Somebody told this session something, and this opens it.

    Examples:
        >>> config = getfixture("pytestconfig")
        >>> session_of(config) is session_of(config)
        True
    """
    if SESSION not in config.stash:
        config.stash[SESSION] = VeloSession(config, told=told)
        config.pluginmanager.register(config.stash[SESSION], SESSION_PLUGIN)
    return config.stash[SESSION]


def begin(state: VeloSession, config: pytest.Config) -> None:
    """Read the settings, and register what they ask for.

    Raises:
        pytest.UsageError: A setting cannot be read, or the run that is to be rescored cannot be.

    Examples:
        >>> config = getfixture("pytestconfig")
        >>> getfixture("monkeypatch").setenv("VELO_SEED", "eleven")
        >>> begin(VeloSession(config, told=True), config)  # if no --velo-seed was given
        Traceback (most recent call last):
        pytest.UsageError: VELO_SEED: 'eleven' cannot be read: a whole number
          fix: root seed of cases, order and draws (default 0)
    """
    try:
        if state.settings.multiplicity is Multiplicity.HOLM:
            from pytest_velo.integration.families import PLUGIN, Families

            config.pluginmanager.register(Families(state), PLUGIN)
        if config.getoption(RESCORE_RUN) is not None:
            from pytest_velo.integration.rescoring import register

            register(state, config)
    except VeloError as error:
        raise pytest.UsageError(str(error)) from None
