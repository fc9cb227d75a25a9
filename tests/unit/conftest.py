"""What unit tests of several modules share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_velo.cache.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store of draws."""
    opened = Store.open(tmp_path / "draws.sqlite")
    yield opened
    opened.close()
