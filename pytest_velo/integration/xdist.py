"""Under pytest-xdist: what the controller tells its workers, registered only if that plugin is installed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo.integration.names import WARNS
from pytest_velo.integration.session import SESSION
from pytest_velo.integration.startup import session_of
from pytest_velo.integration.totals import Drawn

if TYPE_CHECKING:
    from pytest_velo.integration.run.afar import WorkersLog


class Controller:
    """The controller's side."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._log: WorkersLog | None = None
        self._one_warns = False

    @cached_property
    def _notes(self) -> tempfile.TemporaryDirectory[str]:
        """The folder in which workers tell how far they are."""
        return tempfile.TemporaryDirectory(prefix="velo-notes-", ignore_cleanup_errors=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker which paid calls are enabled, where the run's record goes, and where notes go."""
        node.workerinput["velo"] = session_of(self._config).for_worker()
        node.workerinput["velo_notes"] = self._notes.name
        node.workerinput[WARNS] = not self._one_warns  # all collect the same tests
        self._one_warns = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Learn the order of the tests, which the record follows, whichever worker finishes first."""
        session = session_of(self._config)
        session.order = {node_id: place for place, node_id in enumerate(ids)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Begin to tell how far the workers are, once one of them samples."""
        if self._log is None and hasattr(report, "velo_begun"):
            from pytest_velo.integration.run.afar import WorkersLog  # weight: what samples

            self._log = WorkersLog(self._config, Path(self._notes.name))
            self._log.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Tell no more, before the summary is written."""
        if self._log is not None:
            self._log.close()

    def pytest_unconfigure(self) -> None:
        """Leave no folder, and no thread, however the session ended."""
        self.pytest_sessionfinish()
        if "_notes" in self.__dict__:
            self._notes.cleanup()

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Give the report of a hypothesis whose worker crashed its result: an error."""
        started = session_of(self._config).begun.get(crashitem)
        if started is not None:
            from pytest_velo.integration.report import adapt_crash  # weight: reports, after a crash only
            from pytest_velo.integration.run.begun import crashed  # weight: what samples, likewise

            adapt_crash(report, crashed(started, str(report.longrepr)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Learn what a worker drew; one that crashed cannot tell."""
        text = getattr(node, "workeroutput", {}).get("velo")
        if text is not None:
            session_of(self._config).drawn.append(Drawn.from_json(text))
        elif error and SESSION in self._config.stash and self._config.stash[SESSION].reported:
            lost = (
                f"worker {node.gateway.id} crashed: calls it made for a test that did not end are not counted"
            )
            session_of(self._config).drawn.append(Drawn(cost_usd=None, problems=(lost,)))
