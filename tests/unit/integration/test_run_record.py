"""The document of a run, as it is written when its session has ended."""

from __future__ import annotations

import pytest

from pytest_velo.integration.run.item import run_item
from pytest_velo.integration.startup import write_run
from pytest_velo.report.load import load
from support.items import hypothesis_item


def test_the_record_of_a_run_holds_its_results_and_duration(request: pytest.FixtureRequest) -> None:
    item, session = hypothesis_item(request, "rate >= 0.5, max_trials=5", "def test_it(): return 1 > 0")
    run_item(item)
    session.reported[item.nodeid] = session.results[0]
    session.close()
    write_run(session, duration_s=1.5)
    document = load(cache_dir=session.settings.cache_dir).document
    assert document.duration_s == 1.5
    assert [result.node_id for result in document.results] == [item.nodeid]


def test_a_session_that_reported_nothing_leaves_no_record(request: pytest.FixtureRequest) -> None:
    _, session = hypothesis_item(request, "rate >= 0.5, max_trials=5", "def test_it(): return 1 > 0")
    folder = session.run_folder
    session.close()
    write_run(session, duration_s=1.5)
    assert not folder.exists()
