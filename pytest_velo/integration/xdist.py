"""Under pytest-xdist: what the controller tells its workers, registered only if that plugin is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

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
        session_of(self._config).order = {node_id: place for place, node_id in enumerate(ids)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn what a worker drew; one that crashed reports nothing."""
        text = getattr(node, "workeroutput", {}).get("velo")
        if text is not None:
            session_of(self._config).drawn.append(Drawn.from_json(text))
