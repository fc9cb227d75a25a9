"""What a body did where no pytest rewrote its asserts: in a file, and in a cell of a notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pytest_velo import rate
from pytest_velo.bodies.shape import read_body
from pytest_velo.errors import BodyError
from pytest_velo.interactive.checking.outcomes import PlainOutcomes


def body(model: Any) -> bool:
    return bool(model("?") == "yes")


@pytest.fixture
def outcomes() -> PlainOutcomes:
    return PlainOutcomes(read_body(body, ("model",)), rate >= 0.5)


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_failed_assert_is_against_the_claim(outcomes: PlainOutcomes) -> None:
    source = "def body(reply):\n    assert reply == 'no'\n"
    around: dict[str, Any] = {}
    exec(source, around)
    with pytest.raises(AssertionError) as caught:
        around["body"]("yes")
    assert outcomes.exception(caught.value).against
    assert outcomes.detail(raised(AssertionError("said so"))) == "said so"


@pytest.mark.parametrize("end", [pytest.skip, pytest.fail, pytest.xfail, pytest.exit])
def test_pytests_ways_to_end_a_test_are_errors(outcomes: PlainOutcomes, end: Any) -> None:
    with pytest.raises(BaseException) as caught:
        end("why")
    reading = outcomes.exception(caught.value)
    assert isinstance(reading.error, BodyError)
    assert "no pytest runs here" in reading.error.what
    assert "velo.invalid" in reading.error.fix
    assert reading.error.__traceback__ is caught.value.__traceback__


def test_any_other_exception_is_an_error_as_it_is(outcomes: PlainOutcomes) -> None:
    error = raised(KeyError("answer"))
    assert outcomes.exception(error).error is error


def test_a_place_is_told_as_its_reader_knows_it(
    outcomes: PlainOutcomes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcomes.place(f"{folder}/study.py:3") == "study.py:3"
    cells = {"/tmp/ipykernel_1/2.py": ("Cell", "In[3]")}
    ipython = ModuleType("IPython")
    shell = SimpleNamespace(kernel=object(), compile=SimpleNamespace(format_code_name=cells.get))
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert outcomes.place("/tmp/ipykernel_1/2.py:7") == "In[3]:7"
    assert outcomes.place(f"{folder}/study.py:3") == "study.py:3", "a file that a cell imports"
