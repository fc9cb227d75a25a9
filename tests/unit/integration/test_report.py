"""From results to what pytest prints: report outcomes, letters, header, sections, summary."""

from __future__ import annotations

import time
from io import StringIO

import pytest

from pytest_velo.integration.report import adapt_report, status_of, write_summary
from pytest_velo.integration.run.item import run_item
from support.items import hypothesis_item


def test_a_refuted_hypothesis_fails_in_the_report(request: pytest.FixtureRequest) -> None:
    mark, test = "rate >= 0.5, max_trials=5", "def test_it(): return 1 < 0"
    item, _ = hypothesis_item(request, mark, test)
    call = pytest.CallInfo.from_call(lambda: run_item(item), "call")
    report = pytest.TestReport.from_item_and_call(item, call)
    adapt_report(item, call, report)
    assert report.outcome == "failed"
    told = "refuted: rate < 0.5 (a true claim is refuted at most 5% of the time)"
    assert dict(report.user_properties) == {"velo_outcome": "refuted", "velo_verdict": told}
    assert report.longreprtext.splitlines()[0] == told


def test_status_of_an_inconclusive_report() -> None:
    report = pytest.TestReport("t.py::test_it", ("t.py", 0, "test_it"), {}, "passed", None, "call")
    assert status_of(report) is None
    report.velo_outcome = "inconclusive"
    assert status_of(report) == ("inconclusive", "?", ("INCONCLUSIVE", {"yellow": True}))


def test_the_summary_counts_hypotheses(request: pytest.FixtureRequest) -> None:
    mark, test = "rate >= 0.5, max_trials=5", "def test_it(): return 1 > 0"
    item, session = hypothesis_item(request, mark, test)
    run_item(item)
    session.reported[item.nodeid] = session.results[0]
    terminal = StringIO()
    write_summary(session, pytest.TerminalReporter(item.config, terminal), time.monotonic())
    assert [line for line in terminal.getvalue().splitlines() if "hypothesis" in line] == [
        "1 hypothesis | 1 supported"
    ]
