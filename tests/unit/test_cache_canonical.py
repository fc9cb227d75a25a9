"""Canonical JSON and digests."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, StrEnum

import msgspec
import pydantic
import pytest

from pytest_velo.canonical import canonical, digest
from pytest_velo.errors import UsageError


class Colour(Enum):
    RED = "red"


class Side(StrEnum):
    LEFT = "left"


@dataclass
class Point:
    x: int
    tags: tuple[str, ...] = ()


class Row(msgspec.Struct):
    x: int


class Model(pydantic.BaseModel):
    x: int


def test_keys_are_sorted_and_text_is_utf8():
    assert canonical({"b": "é", "a": [1, None, False]}) == '{"a":[1,null,false],"b":"é"}'.encode()


def test_one_one_float_and_true_are_three_values():
    assert len({digest(1), digest(1.0), digest(True), digest("1")}) == 4


def test_tuples_are_lists():
    assert canonical((1, (2,))) == canonical([1, [2]])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Point(x=1, tags=("a",)), b'{"tags":["a"],"x":1}'),
        (Row(x=1), b'{"x":1}'),
        (Model(x=1), b'{"x":1}'),
        (OrderedDict(b=1, a=2), b'{"a":2,"b":1}'),
        (Colour.RED, b'"red"'),
        ([Side.LEFT], b'["left"]'),
        (2**70, b"1180591620717411303424"),
    ],
)
def test_objects_with_a_json_form(value, text):
    assert canonical(value) == text


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [0, math.nan]}, "value.a[1] is nan"),
        ({"a": -math.inf}, "value.a is -inf"),
        ({"a": {1: "x"}}, "value.a has the key 1"),
        ([{1, 2}], "value[0] is a set"),
        ({"a": b"x"}, "value.a is of type builtins.bytes"),
        ({"a": object()}, "value.a is of type builtins.object"),
        (["fine", "cut \ud83d"], "value[1] contains half of a surrogate pair at character 4"),
    ],
)
def test_what_has_no_exact_form_is_refused_with_its_path(value, path):
    with pytest.raises(UsageError) as caught:
        canonical(value)
    assert caught.value.what.startswith(path)
    assert caught.value.fix


@pytest.mark.parametrize("inner", [[], {}], ids=["list", "dict"])
def test_a_value_that_contains_itself_is_refused(inner):
    if isinstance(inner, list):
        inner.append(inner)
    else:
        inner["me"] = inner
    with pytest.raises(UsageError, match="contains itself"):
        canonical({"x": inner})


def test_the_name_of_the_value_is_in_the_error():
    with pytest.raises(UsageError, match=r"^request\.x is nan"):
        canonical({"x": math.nan}, name="request")
