"""What a long run says while it goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.records import Outcome
from pytest_velo.report.progress import Standing, live_line, plain_line
from pytest_velo.report.text import columns
from pytest_velo.verdicts import PairCounts

ALONE = Standing(
    names=["test_tells"],
    n=50,
    most=200,
    elapsed_s=25.0,
    least_more=10,
    estimate=0.85,
    n_tests=8,
    ended={Outcome.SUPPORTED: 2, Outcome.REFUTED: 1},
    cost_usd=0.02,
)


def test_the_live_line_has_a_name_for_every_number() -> None:
    assert live_line(ALONE, width=150) == (
        "test_tells  50 of at most 200 trials · rate 0.85 · 5.0 s to 75 s more at this pace · $0.02"
        " · 3 of 8 tests done: 2 supported, 1 refuted"
    )


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_live_line_fits_and_keeps_trials_whatever_the_name(width: int) -> None:
    long = replace(ALONE, names=["test_日本語の" + "長い名前" * 20])
    line = live_line(long, width=width)
    assert columns(line) <= width
    assert "50 of at most 200 trials" in line
    assert width < 60 or "$0.02" in line
    assert width < 80 or "at most 75 s more" in line or "75 s more at this pace" in line


def test_no_time_is_promised_before_there_is_a_pace() -> None:
    for early in (replace(ALONE, n=0, estimate=None), replace(ALONE, n=200)):
        assert "more" not in live_line(early, width=150)


def test_several_hypotheses_at_once_have_a_bound_alone() -> None:
    together = replace(ALONE, names=["test_a", "test_b", "test_c"], least_more=None, estimate=None)
    line = live_line(together, width=150)
    assert line.startswith("test_a and 2 more  50 of at most 200 trials · at most 75 s more at this pace")


def test_an_unknown_cost_is_no_zero_and_unknown_trials_are_left_out() -> None:
    workers = Standing(names=["test_a"], ended={Outcome.SUPPORTED: 1}, cost_usd=None)
    assert plain_line(workers) == "velo: test_a  $? so far · 1 test done: 1 supported"


def test_pairs_are_told_both_ways() -> None:
    pairs = PairCounts(first="a", second="b", n_first=5, n_second=1, n_equal=14, binary=True)
    assert "a ahead in 5 pairs, b in 1" in plain_line(replace(ALONE, pairs=pairs))


def test_names_of_tests_are_harmless_and_symbols_fit_the_encoding() -> None:
    line = plain_line(replace(ALONE, names=["test_[\x1b[31m]"]), encoding="ascii")
    assert line.isprintable()
    assert line.isascii()
