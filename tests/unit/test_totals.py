"""No call and no dollar is missing from the summary, whichever process made it."""

from __future__ import annotations

import pytest

from pytest_velo.integration.totals import Drawn, beyond, drawn_lines
from pytest_velo.records import HypothesisResult, Outcome


def told(n_calls: int, n_cached: int, cost_usd: float | None) -> HypothesisResult:
    return HypothesisResult(
        node_id="t.py::t",
        belief="b",
        claim="c",
        scope="s",
        outcome=Outcome.SUPPORTED,
        n_calls=n_calls,
        n_cached=n_cached,
        cost_usd=cost_usd,
    )


@pytest.mark.parametrize(
    ("drawn", "results", "n_more", "usd"),
    [
        ([Drawn(n_calls=12, cost_usd=0.12)], [told(10, 0, 0.10)], 2, 0.02),
        ([Drawn(n_calls=5, cost_usd=0.05), Drawn(n_calls=4, cost_usd=0.04)], [told(9, 3, 0.06)], 3, 0.03),
        ([Drawn(n_calls=2, cost_usd=None)], [told(1, 0, 0.10)], 1, None),
        ([Drawn(n_calls=3, cost_usd=0.3)], [told(1, 0, None)], 2, None),
        ([], [told(7, 7, 0.0)], 0, 0.0),
        ([Drawn(n_calls=1, cost_usd=0.1)], [], 1, 0.1),
    ],
)
def test_what_was_drawn_and_not_told(drawn, results, n_more, usd) -> None:
    more = beyond(drawn, results)
    assert more.n_calls == n_more
    assert more.cost_usd == (None if usd is None else pytest.approx(usd))


def test_a_worker_sends_what_it_drew_as_text() -> None:
    drawn = Drawn(n_calls=3, cost_usd=0.5, problems=("disk full",))
    assert Drawn.from_json(drawn.to_json()) == drawn


def test_nothing_is_said_when_every_call_was_told() -> None:
    assert not list(drawn_lines([Drawn(n_calls=1, cost_usd=0.1)], [told(1, 0, 0.1)], 80))


def test_what_could_not_be_written_is_said_once() -> None:
    drawn = [Drawn(problems=("disk full",)), Drawn(n_calls=1, cost_usd=0.1, problems=("disk full",))]
    text = "\n".join(line.text for line in drawn_lines(drawn, [], 80))
    assert text.count("disk full") == 1
    assert "1 more call ($0.10) made ahead and not needed" in text
