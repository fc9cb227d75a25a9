"""Numbers in words, one way everywhere: money, rates, intervals, counts, times. Unknown is `?`."""

from __future__ import annotations

from pytest_velo.claims import Rate
from pytest_velo.report.numbers import count, dollars, duration, interval, p_value, percent, rate
from pytest_velo.report.page.forest import bar_of
from pytest_velo.verdicts import Interval


def test_dollars() -> None:
    assert [dollars(x) for x in (None, 0.0, 1.0, 0.25, 0.0123, 0.002, 0.00001)] == [
        "$?",
        "$0.00",
        "$1.00",
        "$0.25",
        "$0.0123",
        "$0.002",
        "<$0.0001",
    ]


def test_percent() -> None:
    assert percent(0.05) == "5%"
    assert percent(0.025) == "2.5%"
    assert percent(1.0) == "100%"


def test_rate() -> None:
    assert rate(0.85) == "0.85"
    assert rate(0.0034) == "0.0034"
    assert rate(0.9967) == "0.9967"
    assert rate(0.0) == "0.00"
    assert rate(7.125) == "7.12"
    assert rate(-0.2) == "-0.20"
    assert rate(None) == "?"


def test_interval() -> None:
    assert interval(Interval(low=0.6151, high=0.9432, level=0.9)) == "[0.61, 0.95]"
    assert interval(None) == "[?, ?]"


def test_p_value() -> None:
    assert p_value(0.0213) == "0.021"
    assert p_value(0.00001) == "<0.0001"
    assert p_value(1.0) == "1"


def test_count() -> None:
    assert count(1, "trial") == "1 trial"
    assert count(1560, "trial") == "1,560 trials"
    assert count(2, "hypothesis", "hypotheses") == "2 hypotheses"


def test_duration() -> None:
    assert duration(0.4) == "0.4 s"
    assert duration(45) == "45 s"
    assert duration(150) == "2.5 min"
    assert duration(9000) == "2.5 h"


def test_percent_never_rounds_to_all() -> None:
    assert [percent(share) for share in (0.05, 0.9, 0.9998, 0.999999, 1.0)] == [
        "5%",
        "90%",
        "99.98%",
        "99.9999%",
        "100%",
    ]


def test_what_is_read_aloud_of_a_picture_is_what_stands_beside_it() -> None:
    ends = Interval(low=0.2649, high=0.4932, level=0.9)
    assert interval(ends) == "[0.26, 0.50]"
    assert "interval 0.26 to 0.50," in bar_of(Rate(), (0.5,), 0.31, ends).label
