"""The settings of a sweep: every combination, each with a name of its own."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.grid import settings_in, value_text


def test_it_is_every_combination_the_last_parameter_changing_fastest() -> None:
    found = settings_in({"model": ["a/x", "b/y"], "n": [1, 2]})
    assert [dict(each.values) for each in found] == [
        {"model": "a/x", "n": 1},
        {"model": "a/x", "n": 2},
        {"model": "b/y", "n": 1},
        {"model": "b/y", "n": 2},
    ]
    assert [each.id for each in found] == ["a/x-1", "a/x-2", "b/y-1", "b/y-2"]


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (["plain", ""], ["plain", "p1"]),
        (["[odd]", "x" * 99, "\u202e", "a::b"], ["p0", "p1", "p2", "p3"]),
        ([True, None, 0.5], ["True", "None", "0.5"]),
        ([object, {"a": 1}], ["p0", "p1"]),
        (["1", 1], ["p0", "p1"]),
        ([1, 1.0, True], ["1", "1.0", "True"]),
    ],
)
def test_each_setting_has_a_name_of_its_own(values: list[Any], ids: list[str]) -> None:
    assert [each.id for each in settings_in({"p": values})] == ids


@pytest.mark.parametrize(
    ("over", "what"),
    [
        ({}, "sweeps over nothing"),
        ({"prompt": "abc"}, "takes a list of values"),
        ({"prompt": []}, "takes a list of values"),
        ({"two words": [1]}, "names parameters"),
        ({3: [1]}, "names parameters"),
        ({"trial": [1]}, "cannot sweep over"),
        ({"model": [len]}, "by their ids"),
        ({"prompt": [[1], [1]]}, "same value twice"),
    ],
)
def test_what_is_no_sweep_says_so(over: dict[Any, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        settings_in(over)
    assert caught.value.fix


def test_a_blank_text_is_seen_in_a_table() -> None:
    assert [value_text(value) for value in ("", "  ", "a b", 3)] == ["''", "'  '", "a b", "3"]
