"""The summary at the end of a session: a table, the totals, and what would decide the undecided."""

from __future__ import annotations

from pytest_velo.report.summary import expected_false, summary_lines
from support.reports import paired, refuted, undecided


def test_summary_lines_of_a_refuted_and_an_undecided_hypothesis() -> None:
    assert [line.text for line in summary_lines([refuted(), undecided()], wall_s=60.0, width=100)] == [
        "verdict         test    claim        observed        90% interval  trials       saved  cost",
        "✗ refuted       test_b  rate >= 0.7  0.33 (3/9)      [0.09, 0.69]  9 of ≤200    191    $0.018",
        "? inconclusive  test_c  rate >= 0.7  0.75 (150/200)  [0.66, 0.83]  200 of ≤200         $0.40",
        "",
        "2 hypotheses · 1 refuted · 1 inconclusive",
        "209 model calls · $0.42 · 191 trials saved",
        "1 decided in 60 s (60 an hour) · expected false verdicts: at most 0.1",
        "",
        "undecided, and what could decide them",
        "? test_c",
        "  needs      about 600 trials in all; $0.80 and 3.3 min more",
        "  pytest test_a.py::test_c --velo-seed=0 --velo-max-trials=600",
    ]


def test_expected_false_verdicts_take_the_larger_level() -> None:
    assert f"{expected_false([refuted(alpha=0.01, beta=0.1), undecided()]):.2f}" == "0.15"


def test_connections_past_the_fixture_are_counted_and_nothing_unknown_is_shown_as_zero() -> None:
    own = refuted(n_calls=0, cost_usd=0.0, outside={"10.0.0.1:443": 18, "[::1]:80": 1})
    text = "\n".join(line.text for line in summary_lines([own], wall_s=1.0, width=120))
    assert "no call through the model fixture, 19 connections outside the cache" in text
    assert "0 model calls" not in text
    assert "$0.00 + $?" in text
    assert "(to 10.0.0.1:443, [::1]:80)" in text
    both = "\n".join(line.text for line in summary_lines([own, undecided()], wall_s=1.0, width=120))
    assert "200 model calls, 19 connections outside the cache" in both


def test_an_unknown_price_counts_calls() -> None:
    some = refuted(cost_usd=None, n_calls=9, n_unpriced=4, priced_usd=0.01)
    text = "\n".join(line.text for line in summary_lines([some, undecided()], wall_s=1.0, width=120))
    assert "$? ($0.41, and unknown for 4 calls)" in text


def test_pairs_are_told_below_the_table() -> None:
    text = "\n".join(line.text for line in summary_lines([paired()], wall_s=1.0, width=120))
    assert "260 pairs: a better in 56, b better in 14, alike in 190" in text
