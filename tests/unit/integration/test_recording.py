"""The document of a run, as it is written when its session has ended."""

from __future__ import annotations

import pytest

from pytest_velo.integration.startup import run_document, session_of


def test_run_document_holds_the_duration(pytestconfig: pytest.Config) -> None:
    session = session_of(pytestconfig)
    assert run_document(session, 1.5).duration_s == 1.5
