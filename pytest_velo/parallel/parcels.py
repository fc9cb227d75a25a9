"""Functions and calls as bytes for a worker process, or the reason why they cannot go there.

A worker is a fresh Python: it finds what is installed, and what lies on the path it inherits. It does not
find test files under pytest's importlib mode; elsewhere it would run them anew, without pytest's asserts. So
what is defined there is sent by value, with what it uses; everything else by name.
"""

from __future__ import annotations

import dis
import inspect
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle

from pytest_velo.errors import ScorerError, VeloError
from pytest_velo.parallel.pickles import dumps

_PLAIN = "give it plain values"
_MAKE = (
    "make it inside of the scorer (a helper with functools.cache keeps it between calls), or leave out"
    " process=True"
)

_registering = threading.Lock()


class Parcel:
    """A function on its way to worker processes.

    Attributes:
        function: The function itself.
        name: How users call it.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name

    @cached_property
    def content(self) -> bytes:
        """The function as bytes, made once: it goes with the values that its global variables had then.

        Raises:
            ScorerError: It uses something that cannot be sent.
        """
        try:
            return _dumps(self.function)
        except Exception as error:
            raise self._of_the_function(error) from error

    @cached_property
    def digest(self) -> str:
        """Identifies the content."""
        return sha256(self.content).hexdigest()

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
        """Return a call's arguments as bytes.

        Raises:
            ScorerError: One of them cannot be sent.
        """
        try:
            return _dumps((args, dict(kwargs)))
        except Exception as error:
            given = {**{f"argument {i}": value for i, value in enumerate(args, 1)}, **kwargs}
            name, value, why = _culprit(given) or ("an argument", None, error)
            raise _refused(f"{self.name}: {name} ({_kind(value)})", why, fix=_PLAIN) from error

    def _of_the_function(self, error: Exception) -> ScorerError:
        found = _culprit_of(self.function, set())
        if found is None:
            return _refused(self.name, error, fix=_MAKE)
        name, value, why = found
        return _refused(f"`{name}` ({_kind(value)}), which {self.name} uses,", why, fix=_MAKE)


def _dumps(value: Any) -> bytes:
    with _by_value():
        return dumps(value)


def _refused(what: str, why: Exception, *, fix: str) -> ScorerError:
    if isinstance(why, VeloError):
        return ScorerError(f"{what} cannot be sent to another process: {why.what}", fix=why.fix)
    return ScorerError(f"{what} cannot be sent to another process: {why}", fix=fix)


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _culprit(given: Mapping[str, Any]) -> tuple[str, Any, Exception] | None:
    """Return the first of some named values that cannot be sent, and why."""
    for name, value in given.items():
        try:
            _dumps(value)
        except Exception as error:
            return name, value, error
    return None


def _culprit_of(function: Callable[..., Any], seen: set[int]) -> tuple[str, Any, Exception] | None:
    """Return what a function uses, itself or through helpers beside it, that cannot be sent."""
    if not isinstance(function, FunctionType) or id(function) in seen:
        return None
    seen.add(id(function))
    around = inspect.getclosurevars(function).nonlocals
    known = function.__globals__
    used = {name: known[name] for name in _globals_of(function.__code__) if name in known}
    found = _culprit({**around, **used})
    if found is None or not isinstance(found[1], FunctionType):
        return found
    return _culprit_of(found[1], seen) or found


def _globals_of(code: CodeType) -> dict[str, None]:
    """Return the global names that code reads, and the code within it."""
    names = dict.fromkeys(step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL")
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names |= _globals_of(inner)
    return names


@contextmanager
def _by_value() -> Iterator[None]:
    """Have what a fresh process does not find sent by value, and leave cloudpickle as it was."""
    with _registering:
        before = cloudpickle.list_registry_pickle_by_value()
        unfindable = _unfindable(len(sys.modules))  # asked again once more are loaded
        modules = [module for module in unfindable if module.__name__ not in before]
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in modules:
                cloudpickle.unregister_pickle_by_value(module)


@cache
def _unfindable(_n_modules: int) -> tuple[ModuleType, ...]:
    """Return the modules that a fresh process would not find, or would not find alike."""
    return tuple(module for module in (*sys.modules.values(),) if _is_unfindable(module))


def _is_unfindable(module: Any) -> bool:
    if not isinstance(module, ModuleType) or sys.modules.get(module.__name__) is not module:
        return False
    file = getattr(module, "__file__", None)
    if module.__name__ == "__main__" or not file or _is_installed(file):
        return False
    loader = getattr(module.__spec__, "loader", None)
    rewritten = type(loader).__module__.startswith("_pytest.")
    return rewritten or not _is_found(module.__name__.partition(".")[0], Path(file))


def _is_installed(file: str) -> bool:
    parts = Path(file).parts
    return "site-packages" in parts or "dist-packages" in parts or file.startswith(_OURS + _STANDARD)


def _is_found(top: str, file: Path) -> bool:
    """Tell whether a fresh process finds a package, or a module outside of packages, where `file` is from."""
    for finder in sys.meta_path:
        if type(finder).__module__.startswith("_pytest."):
            continue
        spec = finder.find_spec(top, None) if hasattr(finder, "find_spec") else None
        if spec is not None:
            folders = [*(spec.submodule_search_locations or ())]
            return str(file) == spec.origin or any(file.is_relative_to(folder) for folder in folders)
    return False


_OURS = (str(Path(__file__).parents[1]),)
_STANDARD = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
