"""Under pytest-xdist: what the controller tells its workers. Known only where that plugin is installed."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.integration.session import SESSION


class Controller:
    """The controlling process's side."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker who asked for paid draws and where the run's record goes."""
        node.workerinput["velo"] = self._config.stash[SESSION].for_worker()
