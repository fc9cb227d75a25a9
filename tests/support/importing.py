"""Commands in this process that import test files as a process of their own would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def imported_anew(folder: Path) -> Iterator[None]:
    """Forget, at the end, the modules of a folder and its place in `sys.path`; others stay as they are.

    A copy of `sys.modules` would not do: what is imported meanwhile would be imported again later, as other
    classes of the same names.
    """
    before, path = {*sys.modules}, [*sys.path]
    try:
        yield
    finally:
        sys.path[:] = path
        for name in {*sys.modules} - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]
