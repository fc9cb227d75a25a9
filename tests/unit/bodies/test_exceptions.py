"""What an exception out of a body means: evidence against the claim, or trouble."""

from __future__ import annotations

import pytest

from pytest_velo.bodies.exceptions import Raised, classify_exception, line_in_test, location_of
from pytest_velo.case_sets import Case
from pytest_velo.errors import UsageError


def test_a_failed_assert_counts_against_and_a_group_is_an_error() -> None:
    with pytest.raises(AssertionError) as caught:
        assert "Lyon" == "Paris"
    assert classify_exception(caught.value) is Raised.AGAINST
    assert classify_exception(ExceptionGroup("", [caught.value, ValueError()])) is Raised.ERROR


def test_the_location_is_where_the_assert_stands() -> None:
    with pytest.raises(AssertionError) as caught:
        exec(compile("answer = 'Lyon'\nassert answer == 'Paris'", "test_capital.py", "exec"))
    assert location_of(caught.value) == "test_capital.py:2"
    assert location_of(AssertionError("never raised")) == ""


def test_an_error_raised_by_a_case_is_located_in_the_test() -> None:
    case = Case({"question": "2 + 2?"})
    with pytest.raises(UsageError) as caught:
        exec(compile("answer = 4\ncase.qestion == answer", "test_sums.py", "exec"), {"case": case})
    assert line_in_test(caught.value) == "test_sums.py:2"
