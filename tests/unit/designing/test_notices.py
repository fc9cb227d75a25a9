"""What is said of a finished run beside its verdict: checks that look back, and trouble on the way."""

from __future__ import annotations

import pytest

from pytest_velo.designing.notices import with_notices
from pytest_velo.integration.run.sampling import prepare
from pytest_velo.report.waits import session_waits, waits
from pytest_velo.runner.result import result_of
from pytest_velo.sampling.stats import SamplingStats
from support.items import hypothesis_item


def test_remarks_tell_that_a_body_never_failed(request: pytest.FixtureRequest) -> None:
    mark, test = "rate >= 0.5, max_trials=5", "def test_it(): check()\ndef check(): pass"
    item, session = hypothesis_item(request, mark, test)
    sampling = prepare(item, session)
    session.loop.run(sampling.run.go())
    told = with_notices(result_of(sampling.run), sampling.outcomes, None, None)
    assert told.n_retries is None
    assert told.notices[0].partition(":")[0] == "never seen to fail"


def test_waits_of_the_session() -> None:
    totals = SamplingStats(
        n_calls=90, n_cached=0, n_retries=3, cost_usd=0.2, n_cuts=1, throttled_s=12.0, paced_s=0.4
    )
    assert list(session_waits(totals)) == [
        "throttled: calls waited 12 s because the endpoint asked for it",
        "3 retries of calls, in all",
    ]


def test_waits_between_two_counts() -> None:
    same = {"n_calls": 9, "n_cached": 0, "n_retries": 0, "cost_usd": 0.0, "n_cuts": 0}
    before = SamplingStats(**same, throttled_s=2.0, paced_s=5.0)
    assert list(waits(before, SamplingStats(**same, throttled_s=2.0, paced_s=35.0))) == [
        "paced: calls waited 30 s for the endpoint's declared rpm or tpm"
    ]
