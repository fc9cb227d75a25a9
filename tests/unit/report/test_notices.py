"""Each notice is said once, with the tests it is about."""

from __future__ import annotations

from pytest_velo.report.lines import as_text
from pytest_velo.report.notices import notice_lines
from support.reports import refuted


def said(*notices: str, width: int = 100) -> str:
    results = [refuted(node_id=f"t.py::test_{n}", notices=(notice,)) for n, notice in enumerate(notices)]
    return as_text(notice_lines(results, [f"test_{n}" for n in range(len(notices))], width))


def test_a_notice_of_several_tests_comes_once_and_names_three() -> None:
    text = said(*["the alias may move"] * 5)
    assert text.count("the alias may move") == 1
    assert "5 tests: test_0, test_1, test_2 and 2 more" in text


def test_notices_that_differ_in_numbers_alone_are_one() -> None:
    text = said("1 of 9 trials is cut", "3 of 9 trials is cut", "calls waited 2.5 s")
    assert text.count("cut") == 1
    assert "2 tests: test_0, test_1 (the numbers are those of the first)" in text
    assert "1 test: test_2" in text


def test_no_notice_no_line() -> None:
    assert said() == ""
    assert as_text(notice_lines([refuted()], ["test_b"], 80)) == ""
