"""The table at the end: every number has its name, whatever the width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.records import UnitKind
from pytest_velo.report.lines import as_text
from pytest_velo.report.table import brief_lines, table_lines
from pytest_velo.report.text import columns
from pytest_velo.verdicts import Interval
from support.reports import paired, refuted, undecided


def test_below_a_name_every_number_is_named() -> None:
    assert as_text(table_lines([refuted()], ["test_b"], 80)).splitlines() == [
        "✗ refuted    test_b",
        "             rate >= 0.7 · observed 0.33 (3/9) · 90% interval [0.09, 0.69]",
        "             9 of at most 200 trials, 191 saved · $0.018",
    ]


def test_a_head_names_the_columns_and_the_level_where_all_share_it() -> None:
    head, *rows = as_text(table_lines([refuted(), undecided()], ["test_b", "test_c"], 120)).splitlines()
    assert head.split() == [
        "verdict",
        "test",
        "claim",
        "observed",
        "90%",
        "interval",
        "trials",
        "saved",
        "cost",
    ]
    assert all(row[head.index("trials") :].startswith(("9 of ≤200", "200 of ≤200")) for row in rows)
    evidence = replace(undecided().decision.evidence, interval=Interval(low=0.6, high=0.9, level=0.95))
    other = replace(undecided(), decision=replace(undecided().decision, evidence=evidence))
    head, first, second = as_text(table_lines([refuted(), other], ["test_b", "test_c"], 120)).splitlines()
    assert "90%" not in head
    assert "90% [0.09, 0.69]" in first
    assert "95% [0.60, 0.90]" in second


@pytest.mark.parametrize("width", [60, 130])
def test_pairs_are_no_trials(width: int) -> None:
    text = as_text(table_lines([replace(paired(), unit=UnitKind.PAIR)], ["test_pairs"], width))
    assert "pairs" in text
    assert "191 trials" in text


def test_a_change_from_a_baseline_is_called_one() -> None:
    result = refuted(claim="rate >= baseline - 0.1")
    assert "observed change 0.33" in as_text(table_lines([result], ["test_b"], 60))


def test_a_ratio_that_is_not_the_estimate_is_left_out() -> None:
    groups = replace(refuted().decision.evidence, estimate=0.4)  # a mean of means
    result = replace(refuted(), decision=replace(refuted().decision, evidence=groups))
    assert "observed 0.40\n" in as_text(table_lines([result], ["test_b"], 60))


@pytest.mark.parametrize("width", [40, 60, 80])
def test_brief_lines_are_one_each_and_fit(width: int) -> None:
    long = ["test_" + "日本語" * 30, "test_👩‍🔬❤️"]
    lines = brief_lines([refuted(), undecided()], long, width)
    assert len(lines) == 2
    assert all(columns(line.text) <= width for line in lines)
    assert width == 40 or "0.33, 90% interval [0.09, 0.69]" in lines[0].text
