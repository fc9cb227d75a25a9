"""Opening the session's state on first need, and writing its record."""

from __future__ import annotations

import pytest

from pytest_velo.cache import shared
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.integration import repeating
from pytest_velo.integration.collect.families import Families
from pytest_velo.integration.config.options import OPTIONS, written
from pytest_velo.integration.github import around_of
from pytest_velo.integration.names import FAMILIES_PLUGIN, RESCORE_RUN, SESSION_PLUGIN
from pytest_velo.integration.report import status_of
from pytest_velo.integration.reporters import Reporters
from pytest_velo.integration.run.workers import check_workers
from pytest_velo.integration.session import SESSION, VeloSession, noting
from pytest_velo.integration.totals import Drawn
from pytest_velo.report import record
from pytest_velo.settings import Mode, Multiplicity


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
        pytest.UsageError: A setting cannot be read, a report could not be written, or a run cannot be
            rescored.
    """
    try:
        if state.settings.multiplicity is not Multiplicity.NONE:
            config.pluginmanager.register(Families(state), FAMILIES_PLUGIN)
        _check_reports(state, config)
        _check_store(state, config)
        if state.settings.batch:
            _check_batch(state, config)
        if state.settings.workers_at is not None:
            check_workers(config, state.settings)
        if config.getoption(RESCORE_RUN) is not None:
            from pytest_velo.integration.rescore import register  # weight: for `velo rescore` only

            register(state, config)
        if state.repeat is not None:
            repeating.register(state, config, state.repeat)
    except VeloError as error:
        raise pytest.UsageError(str(error)) from None


def _check_batch(state: VeloSession, config: pytest.Config) -> None:
    """Refuse what batches cannot do.

    Raises:
        UsageError: Draws are to be made anew, or by several processes.
    """
    if state.settings.mode is Mode.REFRESH:
        raise UsageError(
            "batches fill slots that are empty, and --velo-mode=refresh makes draws anew",
            where="--velo-batch",
            fix="leave out one of the two; --velo-profile=confirm or another --velo-seed has fresh slots",
        )
    if state.worker is not None or getattr(config.option, "numprocesses", None):
        raise UsageError(
            "one process waits for the batches of all tests, and -n starts several",
            where="--velo-batch",
            fix="leave out -n: the draws come in the same batches",
        )


def _check_reports(state: VeloSession, config: pytest.Config) -> None:
    """Look for what reports need while nothing has been paid for; the controller writes them."""
    if state.settings.reports and state.worker is None:
        from pytest_velo.report.exports.places import check  # weight: for sessions with such reports only

        (option,) = (option for option in OPTIONS if option.name == "report")
        for target in state.settings.reports:
            check(target, written(config, option)[1])


def _check_store(state: VeloSession, config: pytest.Config) -> None:
    """See that a shared store could be opened, as far as that can be told without connecting."""
    if state.settings.store is not None:
        (option,) = (option for option in OPTIONS if option.name == "store")
        try:
            shared.check(state.settings.store)
        except VeloError as error:
            error.where = written(config, option)[1]
            raise


def write_run(session: VeloSession, duration_s: float) -> bool:
    """Write the run's document, merge the workers' trials and write reports (main process only).

    Returns:
        Whether all reports that were asked for are there.
    """
    if session.worker is not None:
        return True
    if not session.reported:
        session.drop_run_folder()
        session.wrote += [
            f"{target.kind}: nothing written to {target.path}: nothing was sampled"
            for target in session.settings.reports
        ]
        return True

    problems = session.take_problems()
    with noting(problems):
        record.merge_trials(session.run_folder)
        results = sorted(session.reported.values(), key=lambda result: session.order.get(result.node_id, 0))
        record.write_run(session.run_folder, session.document(results, duration_s))
    reports_are_there = _write_reports(session, problems)
    if problems:
        session.drawn.append(Drawn(problems=tuple(problems)))
    return reports_are_there


def _write_reports(session: VeloSession, problems: list[str]) -> bool:
    """Write the run for other tools, from its record."""
    if not session.settings.reports:
        return True
    from pytest_velo.report.exports import writing  # weight: for sessions with such reports only

    before = len(problems)
    for target in session.settings.reports:
        with noting(problems):
            name, folder = session.run_folder.name, session.settings.cache_dir
            found = writing.write_recorded(name, folder, target, around_of(session))
            session.wrote.append(writing.written_text(target, found))
    return len(problems) == before
