"""A failed assert of the test is an outcome; the same exception out of a library is an error."""

# ruff: noqa: PT009, PT027 - unittest's asserts are what is tested here

from __future__ import annotations

import asyncio
import contextlib
import sys
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from pytest_velo.bodies.exceptions import Raised, classify_exception, location_of

FAILED = pytest.fail.Exception
XFAILED = pytest.xfail.Exception


def caught(func: Callable[[], object]) -> BaseException:
    try:
        func()
    except BaseException as error:
        return error
    raise RuntimeError("nothing was raised")


def classify(func: Callable[[], object], *roots: Path) -> Raised:
    return classify_exception(caught(func), roots, (AssertionError, FAILED), (XFAILED,))


def code_in(folder: Path, source: str) -> Any:
    """Run source as if it were a module of that folder."""
    names: dict[str, Any] = {}
    exec(compile(source, str(folder / "module.py"), "exec"), names)
    return SimpleNamespace(**names)


RAISES = "def fail():\n    assert False, 'inside'\n\ndef call(func):\n    return func()\n"


def fails() -> None:
    assert sys.maxsize == 0


def test_hazard_05_a_failed_assert_of_the_test_is_an_outcome() -> None:
    assert classify(fails) is Raised.AGAINST


def test_hazard_05_pytest_fail_and_a_raises_that_did_not_raise_are_outcomes() -> None:
    def no_raise() -> None:
        with pytest.raises(ValueError):
            pass

    assert not isinstance(caught(no_raise), AssertionError)
    assert classify(no_raise) is Raised.AGAINST
    assert classify(lambda: pytest.fail("said it")) is Raised.AGAINST


def test_hazard_05_xfail_is_a_failed_and_no_outcome() -> None:
    error = caught(lambda: pytest.xfail("later"))
    assert isinstance(error, FAILED)
    assert classify_exception(error, (), (AssertionError, FAILED), (XFAILED,)) is Raised.ERROR


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), KeyboardInterrupt(), TimeoutError()])
def test_hazard_05_any_other_exception_is_an_error(error: BaseException) -> None:
    def fail() -> None:
        raise error

    assert classify(fail) is Raised.ERROR


@pytest.mark.parametrize("folder", ["venv/lib/python3.11/site-packages/lib", "usr/lib/python3/dist-packages"])
def test_hazard_05_an_assert_inside_a_library_is_an_error(tmp_path: Path, folder: str) -> None:
    library = code_in(tmp_path / folder, RAISES)
    assert classify(library.fail) is Raised.ERROR
    assert classify(library.fail, tmp_path) is Raised.ERROR  # an environment inside the project


def test_hazard_05_an_assert_inside_the_standard_library_or_this_package_is_an_error() -> None:
    import pytest_velo

    for module in (contextlib, pytest_velo):
        library = code_in(Path(str(module.__file__)).parent, RAISES)
        assert classify(library.fail) is Raised.ERROR


def test_hazard_05_a_library_that_calls_the_test_back_is_no_library_failure(tmp_path: Path) -> None:
    library = code_in(tmp_path / "site-packages", RAISES)
    assert classify(lambda: library.call(fails)) is Raised.AGAINST


def test_hazard_05_helpers_of_the_user_are_test_code(tmp_path: Path) -> None:
    assert classify(code_in(tmp_path / "helpers", RAISES).fail) is Raised.AGAINST
    installed = tmp_path / "site-packages" / "mypackage" / "tests"
    assert classify(code_in(installed, RAISES).fail, installed) is Raised.AGAINST
    # A test file that lies there by itself makes no test code of all that is installed.
    assert classify(code_in(installed, RAISES).fail, tmp_path / "site-packages") is Raised.ERROR


def test_hazard_05_assertion_helpers_speak_for_their_caller() -> None:
    numpy = pytest.importorskip("numpy")
    case = unittest.TestCase()
    called = mock.Mock()
    helpers: list[Callable[[], object]] = [
        lambda: case.assertEqual(1, 2),
        lambda: case.assertIn("a", "b"),
        called.assert_called_once,
        lambda: numpy.testing.assert_allclose(1.0, 2.0),
        lambda: numpy.testing.assert_array_equal([1, 2], [1, 3]),
    ]

    def expects() -> None:
        with case.assertRaises(ValueError):
            pass

    for helper in [*helpers, expects]:
        assert classify(lambda helper=helper: helper()) is Raised.AGAINST  # type: ignore[misc]


def test_hazard_05_an_assertion_helper_used_by_a_library_is_the_librarys(tmp_path: Path) -> None:
    source = "import unittest\n\ndef fail():\n    unittest.TestCase().assertEqual(1, 2)\n"
    assert classify(code_in(tmp_path / "site-packages", source).fail) is Raised.ERROR


def test_hazard_05_an_assertion_helper_may_be_a_decorated_one(tmp_path: Path) -> None:
    source = (
        "import contextlib\n\nclass Quiet(contextlib.ContextDecorator):\n"
        "    def __enter__(self): ...\n    def __exit__(self, *_): ...\n\n"
        "@Quiet()\ndef assert_equal():\n    raise AssertionError\n"
    )
    helper = code_in(tmp_path / "site-packages" / "numpy" / "testing", source)
    assert classify(helper.assert_equal) is Raised.AGAINST


def test_hazard_05_a_context_manager_of_the_test_may_assert() -> None:
    @contextlib.contextmanager
    def guarded() -> Iterator[None]:
        yield
        fails()

    def body() -> None:
        with guarded():
            pass

    assert classify(body) is Raised.AGAINST


def test_hazard_05_a_group_counts_when_all_its_leaves_do() -> None:
    async def leaf(func: Callable[[], object]) -> None:
        func()

    def broken() -> None:
        raise ValueError

    async def group(*funcs: Callable[[], object]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for func in funcs:
                tasks.create_task(leaf(func))

    assert classify(lambda: asyncio.run(group(fails))) is Raised.AGAINST
    assert classify(lambda: asyncio.run(group(fails, fails))) is Raised.AGAINST
    assert classify(lambda: asyncio.run(group(fails, broken))) is Raised.ERROR
    nested = ExceptionGroup("outer", [ExceptionGroup("inner", [caught(fails)]), caught(fails)])  # type: ignore[list-item]
    assert classify_exception(nested) is Raised.AGAINST


def test_an_exception_that_was_never_raised_is_an_error() -> None:
    assert classify_exception(AssertionError()) is Raised.ERROR
    assert location_of(AssertionError()) == ""


def test_code_of_a_notebook_is_test_code() -> None:
    for name, kind in [
        ("<ipython-input-1>", Raised.AGAINST),
        ("<string>", Raised.AGAINST),
        ("<frozen x>", Raised.ERROR),
    ]:
        names: dict[str, Any] = {}
        exec(compile(RAISES, name, "exec"), names)
        assert classify(names["fail"]) is kind


def test_the_location_is_where_the_test_asserted() -> None:
    line = fails.__code__.co_firstlineno + 1
    assert location_of(caught(fails)) == f"{__file__}:{line}"
    assert location_of(ExceptionGroup("g", [caught(fails)])) == f"{__file__}:{line}"  # type: ignore[list-item]

    def in_a_folder_called_pytest() -> None:
        code_in(Path(__file__).parent / "pytest", RAISES).fail()

    assert location_of(caught(in_a_folder_called_pytest)).endswith("/pytest/module.py:2")

    def helped() -> None:
        unittest.TestCase().assertEqual(1, 2)

    assert location_of(caught(helped)) == f"{__file__}:{helped.__code__.co_firstlineno + 1}"
