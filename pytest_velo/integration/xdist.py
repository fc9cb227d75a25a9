"""Under pytest-xdist: what the controller tells its workers, registered only if that plugin is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_velo.integration.session import SESSION
from pytest_velo.integration.startup import session_of
from pytest_velo.integration.totals import Drawn


class Controller:
    """The controller's side."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker which paid calls are enabled and where the run's record goes."""
        node.workerinput["velo"] = session_of(self._config).for_worker()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Learn the order of the tests, which the record follows, whichever worker finishes first."""
        session = session_of(self._config)
        session.order = {node_id: place for place, node_id in enumerate(ids)}

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell how far the workers are, now and then, after what pytest writes of a report."""
        if not any(hasattr(report, told) for told in ("velo_begun", "velo_result")):
            return
        if self._config.stash[SESSION].order:  # workers run, and this is not one process's own report
            from pytest_velo.integration.run.progress import report_from_workers  # weight: what samples

            report_from_workers(self._config)

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
