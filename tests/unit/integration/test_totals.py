"""What all processes of a session drew, so that no call and no dollar is missing from the summary."""

from __future__ import annotations

from pytest_velo.integration.totals import Drawn, beyond, drawn_lines
from pytest_velo.records import HypothesisResult, Outcome


def test_draws_beyond_the_results() -> None:
    test = {"node_id": "test_it.py::test_it", "belief": "it", "claim": "rate >= 0.5", "scope": "here"}
    told = HypothesisResult(**test, outcome=Outcome.SUPPORTED, n_calls=10, n_cached=3, cost_usd=0.5)
    more = beyond([Drawn(n_calls=6, cost_usd=0.5), Drawn(n_calls=3, cost_usd=0.25)], [told])
    assert more.n_calls == 2
    assert more.cost_usd == 0.25


def test_lines_of_draws_that_no_verdict_used() -> None:
    drawn = [Drawn(n_calls=2, cost_usd=0.25), Drawn(problems=("the disk is full",))]
    assert [line.text for line in drawn_lines(drawn, [], 80)] == [
        "",
        "  ahead      2 more calls ($0.25) made ahead and not needed; kept for later",
        "  error      the disk is full",
    ]
