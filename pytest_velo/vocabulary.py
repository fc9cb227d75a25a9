"""What users call to make a value for a mark: called wrongly, or not at all, it says how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper, wraps
from typing import TYPE_CHECKING, Generic, NoReturn, ParamSpec, TypeVar

from pytest_velo.errors import UsageError, nearest

Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")


def called(example: str, name: str = "") -> Callable[[Callable[Arguments, Made]], Callable[Arguments, Made]]:
    """Make other arguments than a function takes a `UsageError`, raised at the user's line.

    Args:
        example: How it is called.
        name: How the call is written, if not by the function's name.
    """

    def decorate(function: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
        @wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Made:
            __tracebackhide__ = True
            try:
                return function(*args, **kwargs)
            except UsageError as error:
                mistake = error
            except TypeError:
                misfit = _misfit(function, args, kwargs)
                if misfit is None:  # a bug, then, and not the user's
                    raise
                what, fix = misfit
                mistake = UsageError(f"{name or function.__name__}() {what}", fix=fix or example)
            raise mistake.with_traceback(None)  # the last line that pytest shows is the user's

        return call

    return decorate


def _misfit(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> tuple[str, str] | None:
    """Return what is wrong with these arguments, and the fix if it is a typo; None if they fit."""
    signature = inspect.signature(function)
    unknown = next((name for name in kwargs if name not in signature.parameters), None)
    if unknown is not None:
        return f"has no argument {unknown!r}", nearest(unknown, signature.parameters)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return f"was called with the wrong arguments: {error}", ""
    return None


class Word(Generic[Arguments, Made]):
    """A function that makes a claim, or a part of one: it says so where it is used without being called."""

    def __init__(self, function: Callable[Arguments, Made], example: str) -> None:
        update_wrapper(self, function)
        self._function = function
        self._example = example

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Made:
        """Make it."""
        __tracebackhide__ = True
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"`{self.__name__}` without its arguments"

    def __reduce__(self) -> str:
        return self.__qualname__  # found in its module, in every process

    if TYPE_CHECKING:  # for mypy it stays what it was: without operators
        __name__: str
        __qualname__: str
    else:

        def _uncalled(self, *_: object) -> NoReturn:
            __tracebackhide__ = True
            raise UsageError(f"`{self.__name__}` is used without its arguments", fix=self._example)

        __ge__ = __le__ = __gt__ = __lt__ = __and__ = __rand__ = __or__ = __ror__ = within = _uncalled
        __add__ = __radd__ = __sub__ = __rsub__ = _uncalled


def word(example: str) -> Callable[[Callable[Arguments, Made]], Word[Arguments, Made]]:
    """Make a function a word of claims; `example` is how it is called."""
    return lambda function: Word(called(example)(function), example)
