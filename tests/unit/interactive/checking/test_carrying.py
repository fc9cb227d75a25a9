"""What a function needs around it in a file, as source that gives the same."""

from __future__ import annotations

import json
import linecache
import math as maths
import re
from collections import Counter
from dataclasses import dataclass, field
from os import path as paths
from typing import Any

import pytest

from pytest_velo import rate, scripted
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.carrying import Carried, carry, renamed, source_of, written

LIMIT = 3
WORDS = re.compile("yes|no", re.IGNORECASE)
TABLE = {"a": [1, 2.5, None], ("b", 1): True}
PARROT = scripted("carried", ["yes", "no"])
LIVE = object()
HUGE = "x" * 5_000


@dataclass
class Judge:
    """A helper."""

    words: list[str] = field(default_factory=list)

    def limit(self) -> int:
        return LIMIT


def even(n: int) -> bool:
    return n == 0 or odd(n - 1)


def odd(n: int) -> bool:
    return n != 0 and even(n - 1)


def body(model: Any, case: Any, top: int = LIMIT) -> Any:
    rows = [json.dumps(TABLE[name]) for name in Counter("a")]
    assert WORDS.search(str(rows)) or even(top)
    return Judge().limit(), maths.pi, paths.join("a"), rate, PARROT, LIVE, HUGE, nowhere  # noqa: F821


def carried(function: Any) -> Carried:
    into = Carried()
    carry(function, into)
    return into


def test_imports_constants_and_helpers_come_along() -> None:
    into = carried(body)
    assert into.imports == {
        "import json",
        "import math as maths",
        "import posixpath as paths" if paths.__name__ == "posixpath" else "import ntpath as paths",
        "from collections import Counter",
        "from dataclasses import dataclass",
        "from dataclasses import field",
        "import re",
    }
    assert into.ours == {"rate", "scripted"}
    assert into.constants == {
        "LIMIT": "LIMIT = 3",
        "TABLE": 'TABLE = {"a": [1, 2.5, None], ("b", 1): True}',
        "WORDS": "WORDS = re.compile('yes|no', 2)",
        "PARROT": 'PARROT = scripted("carried", ["yes", "no"])',
    }
    assert list(into.helpers) == ["odd", "even", "Judge"]
    assert into.helpers["Judge"].startswith("@dataclass\nclass Judge:")
    assert into.missing == {
        "LIVE": "an object of the notebook",
        "HUGE": "a str of the notebook",
        "nowhere": "it has no value here",
    }


def test_what_a_closure_holds_comes_along_too() -> None:
    def outer(word: str) -> Any:
        def inner(model: Any) -> bool:
            return bool(model(word))

        return inner

    assert carried(outer("hello")).constants == {"word": 'word = "hello"'}


@pytest.mark.parametrize(
    "value", ["a'b", 'a"b', "\n\u202e", b"x", (1,), (), [], {}, {"a": {1: (2.0, None)}}, {1, 2}, -0.0, True]
)
def test_a_literal_gives_the_same_again(value: Any) -> None:
    text = written(value)
    assert text is not None
    again = eval(text)
    assert again == value
    assert repr(again) == repr(value)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), Counter("a"), [object()], set(), "x" * 9_999]
)
def test_what_is_no_literal_is_not_written(value: Any) -> None:
    assert written(value) is None


def test_a_body_gets_the_name_of_a_test() -> None:
    assert renamed("async def  caves(model):\n    caves\n", "caves", "test_caves").startswith(
        "async def  test_caves(model):"
    )


def test_a_decorated_body_has_no_source_that_could_be_a_test() -> None:
    def wraps(function: Any) -> Any:
        return function

    @wraps
    def decorated(model: Any) -> bool:
        return bool(model("?"))

    for function in (decorated, len, Judge().limit):
        with pytest.raises(UsageError) as caught:
            source_of(function)
        assert caught.value.fix


def test_a_class_of_a_cell_is_found_by_its_functions() -> None:
    shown = "@dataclass\nclass Cell:\n    def one(self):\n        return 1\n"
    used = "async def body(model):\n    return Cell().one() == 1\n"
    source = f"from dataclasses import dataclass\n\n{shown}\n{used}"
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(keepends=True), "<cell>")
    around: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), around)
    assert carried(around["body"]).helpers["Cell"] == shown
