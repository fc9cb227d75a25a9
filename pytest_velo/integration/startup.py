"""Opening the session's state on first need, and writing its record."""

from __future__ import annotations

import pytest

from pytest_velo.errors import VeloError
from pytest_velo.integration.collect.families import Families
from pytest_velo.integration.names import FAMILIES_PLUGIN, RESCORE_RUN, SESSION_PLUGIN
from pytest_velo.integration.report import status_of
from pytest_velo.integration.reporters import Reporters
from pytest_velo.integration.session import SESSION, VeloSession, noting
from pytest_velo.integration.totals import Drawn
from pytest_velo.report import record
from pytest_velo.settings import Multiplicity


def session_of(config: pytest.Config, *, told: bool = False) -> VeloSession:
    """Return what the hooks of this process share, opened on first use; `told`: an option was set."""
    if SESSION not in config.stash:
        config.stash[SESSION] = VeloSession(config, told=told)
        config.pluginmanager.register(config.stash[SESSION], SESSION_PLUGIN)
        config.pluginmanager.register(Reporters(config, status_of), "velo-reporters")
    return config.stash[SESSION]


def begin(state: VeloSession, config: pytest.Config) -> None:
    """Read the settings and register the plugins they ask for.

    Raises:
        pytest.UsageError: A setting cannot be read, or a run cannot be rescored.
    """
    try:
        if state.settings.multiplicity is Multiplicity.HOLM:
            config.pluginmanager.register(Families(state), FAMILIES_PLUGIN)
        if config.getoption(RESCORE_RUN) is not None:
            from pytest_velo.integration.rescore import register  # weight: for `velo rescore` only

            register(state, config)
    except VeloError as error:
        raise pytest.UsageError(str(error)) from None


def write_run(session: VeloSession, duration_s: float) -> None:
    """Write the run's document and merge the workers' trials (main process only)."""
    if session.worker is not None:
        return
    if not session.reported:
        session.drop_run_folder()
        return

    problems = session.take_problems()
    with noting(problems):
        record.merge_trials(session.run_folder)
        results = sorted(session.reported.values(), key=lambda result: session.order.get(result.node_id, 0))
        record.write_run(session.run_folder, session.document(results, duration_s))
    if problems:
        session.drawn.append(Drawn(problems=tuple(problems)))
