"""What an exception from a body means: evidence against the claim, or trouble.

A failed assert in test code is an outcome. The same exception from a library is a bug somewhere; counting it
would turn a broken parser into a finding about the model.
"""

from __future__ import annotations

import os
import site
import sysconfig
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import TracebackType

# Folders, anywhere on a path, that hold other people's code whatever the environment.
_LIBRARY_FOLDERS = {"site-packages", "dist-packages"}

# Code whose purpose is to raise assertion errors for its caller. `contextlib` stands between the two
# where a helper is a decorator or a context manager.
_HELPERS = (
    "unittest/case.py",
    "unittest/mock.py",
    "contextlib.py",
    "_pytest/",
    "pytest/",
    "numpy/testing/",
    "pandas/_testing/",
    "pandas/testing.py",
    "polars/testing/",
    "torch/testing/",
    "hamcrest/",
)


class Raised(StrEnum):
    """What an exception that ended a body means."""

    AGAINST = "against"
    ERROR = "error"


def classify_exception(
    exc: BaseException,
    test_roots: tuple[Path, ...] = (),
    assertion_types: tuple[type[BaseException], ...] = (AssertionError,),
    never: tuple[type[BaseException], ...] = (),
) -> Raised:
    """Tell whether an exception is a failed assert of the test, which is the outcome 0, or an error.

    Args:
        exc: What ended the body. A group is an outcome if all its leaves are.
        test_roots: Folders whose files are test code even inside an installed package (`--pyargs`); a folder
            that contains all installed packages does not count.
        assertion_types: Types that mean "this trial failed": AssertionError, and pytest's `Failed`.
        never: Subclasses of those that mean something else (`XFailed` is a `Failed`).
    """
    if isinstance(exc, BaseExceptionGroup):
        kinds = {classify_exception(leaf, test_roots, assertion_types, never) for leaf in exc.exceptions}
        return Raised.AGAINST if kinds == {Raised.AGAINST} else Raised.ERROR
    if not isinstance(exc, assertion_types) or isinstance(exc, never):
        return Raised.ERROR
    frame = _raising_frame(exc)
    is_test = frame is not None and not is_library(frame.tb_frame.f_code.co_filename, test_roots)
    return Raised.AGAINST if is_test else Raised.ERROR


def location_of(exc: BaseException) -> str:
    """Return `file:line` of the failed assert, in a group of the first leaf; empty if unknown."""
    if isinstance(exc, BaseExceptionGroup):
        return location_of(exc.exceptions[0])
    frame = _raising_frame(exc)
    return "" if frame is None else f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"


def line_in_test(exc: BaseException, test_roots: tuple[Path, ...] = ()) -> str:
    """Return `file:line` of the innermost line of test code that led to `exc`; empty if there is none."""
    frames = [
        frame
        for frame in _frames(exc.__traceback__)
        if not is_library(frame.tb_frame.f_code.co_filename, test_roots)
    ]
    return f"{frames[-1].tb_frame.f_code.co_filename}:{frames[-1].tb_lineno}" if frames else ""


def _raising_frame(exc: BaseException) -> TracebackType | None:
    """Return the innermost frame; if an assertion helper raised, the frame that called it."""
    frames = list(_frames(exc.__traceback__))
    for frame in reversed(frames):
        if not _is_helper(frame.tb_frame.f_code.co_filename):
            return frame
    return None


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


@lru_cache(maxsize=4096)
def _is_helper(filename: str) -> bool:
    if not is_library(filename, ()):
        return False
    path = filename.replace(os.sep, "/")
    return any(f"/{helper}" in path for helper in _HELPERS)


@lru_cache(maxsize=4096)
def is_library(filename: str, test_roots: tuple[Path, ...]) -> bool:
    """Tell whether a file belongs to the standard library, an installed package or us.

    The innermost folder decides: an environment inside the project is a library, tests inside an installed
    package are tests.
    """
    if filename.startswith("<"):
        return filename.startswith("<frozen")  # others are notebooks and `python -c`
    path = Path(os.path.realpath(filename))
    library = max((len(root.parts) for root in _library_roots() if path.is_relative_to(root)), default=0)
    for depth, part in enumerate(path.parts, 1):
        if part in _LIBRARY_FOLDERS:
            library = max(library, depth)
    resolved = (Path(os.path.realpath(root)) for root in test_roots)
    test = max((len(root.parts) for root in resolved if path.is_relative_to(root)), default=0)
    return 0 < library >= test


@lru_cache(maxsize=1)
def _library_roots() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = [
        *(sysconfig.get_path(name) for name in names),
        *site.getsitepackages(),
        site.getusersitepackages(),
    ]
    ours = Path(__file__).parents[1]
    return (ours, *(Path(os.path.realpath(path)) for path in paths if path))
