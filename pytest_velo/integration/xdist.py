"""Under pytest-xdist: what the controller tells its workers. Known only where that plugin is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_velo.integration.startup import session_of
from pytest_velo.integration.totals import Drawn


class Controller:
    """The controlling process's side."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker who asked for paid draws and where the run's record goes."""
        node.workerinput["velo"] = session_of(self._config).for_worker()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Learn the order of the tests, in which the record lists them whichever worker was first."""
        session_of(self._config).order = {node_id: place for place, node_id in enumerate(ids)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn what a worker drew; one that crashed cannot say."""
        text = getattr(node, "workeroutput", {}).get("velo")
        if text is not None:
            session_of(self._config).drawn.append(Drawn.from_json(text))
