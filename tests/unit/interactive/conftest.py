"""Sampling without pytest, in a folder of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_velo.interactive import session


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a new folder, without settings of the machine, and with nothing spent or open."""
    for name in [*os.environ]:
        if name in ("CI", "PYTEST_ADDOPTS") or name.startswith(("VELO_", "OPENAI_", "ANTHROPIC_")):
            monkeypatch.delenv(name)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "_process", session._Process())
    yield tmp_path
    session.close_all()
