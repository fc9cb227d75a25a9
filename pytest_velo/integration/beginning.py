"""What a session that was told something begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_velo.errors import VeloError
from pytest_velo.integration.options import RESCORE_RUN
from pytest_velo.settings import Multiplicity

if TYPE_CHECKING:
    from pytest_velo.integration.session import VeloSession


def begin(state: VeloSession, config: pytest.Config) -> None:
    """Read the settings, and register what they ask for.

    Raises:
        pytest.UsageError: A setting cannot be read, or the run that is to be rescored cannot be.

    Examples:
        >>> from pytest_velo.integration.session import VeloSession
        >>> config = getfixture("pytestconfig")
        >>> getfixture("monkeypatch").setenv("VELO_SEED", "eleven")
        >>> begin(VeloSession(config), config)  # if no --velo-seed was given
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
