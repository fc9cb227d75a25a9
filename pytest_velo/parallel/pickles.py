"""cloudpickle, with what it leaves out: where code comes from, caches, and what must stay."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

import cloudpickle

from pytest_velo.errors import ScorerError

STAYS = "_stays_here"
"""The attribute of classes whose objects never leave the main process: it says what they are."""


def dumps(value: Any) -> bytes:
    """Return a value as bytes.

    Raises:
        ScorerError: It contains an object that stays.
        Exception: Whatever pickle and its parts raise.
    """
    file = io.BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def reducer_override(self, obj: Any) -> Any:
        """Return how an object is made again."""
        what = getattr(type(obj), STAYS, None)
        if isinstance(what, str):
            raise ScorerError(
                f"{what} is of no use in another process",
                fix="call models in the body, and give the scorer what they replied",
            )
        if isinstance(obj, CodeType):  # cloudpickle hides the file, which tells a test from a library
            make, args = self.dispatch_table[CodeType](obj)
            return make, tuple(obj.co_filename if arg == "<dynamic-code>" else arg for arg in args)
        if isinstance(obj, type) and (home := _home_of(obj)) is not None:
            return _named, (home, obj.__qualname__)
        if isinstance(obj, _Cached) and obj.__module__ in cloudpickle.list_registry_pickle_by_value():
            # Python would look it up by its name.
            given = obj.cache_parameters()
            return _cached, (obj.__wrapped__, given["maxsize"], given["typed"])
        return super().reducer_override(obj)


_Cached = type(lru_cache(len))


def _cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Callable[..., Any]:
    return lru_cache(maxsize, typed)(function)


def _home_of(kind: type) -> str | None:
    """Return the module of a class that says it is a builtin, as pytest's exceptions do."""
    if kind.__module__ != "builtins" or hasattr(sys.modules["builtins"], kind.__qualname__):
        return None
    homes = (getattr(base.__dict__.get("__init__"), "__module__", "") for base in kind.__mro__)
    return next((home for home in homes if getattr(sys.modules.get(home), kind.__name__, None) is kind), None)


def _named(home: str, name: str) -> Any:
    __import__(home)
    return getattr(sys.modules[home], name)
