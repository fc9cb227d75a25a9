"""The settings of a sweep: every combination of the values that `over=` gives to parameters of the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from pytest_velo.designing.parameters import PARAMETERS
from pytest_velo.errors import UsageError

_MOST_CHARACTERS = 24
_TAKES = 'over={"prompt": [first, second]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One combination.

    Attributes:
        values: By the parameter's name.
        id: Short, and different from those of the others.
    """

    values: Mapping[str, Any]
    id: str


def settings_in(over: Mapping[Any, Any]) -> tuple[Setting, ...]:
    """Return every combination, the last parameter changing fastest.

    Raises:
        UsageError: A parameter is one that a trial gets from us, or has no values, or the same one twice.
    """
    if not over:
        raise UsageError("over={} sweeps over nothing", fix=_TAKES)
    ids = {name: _ids(name, _values(name, given)) for name, given in over.items()}
    combined = product(*(zip(over[name], ids[name], strict=True) for name in over))
    return tuple(
        Setting(
            values=dict(zip(over, (value for value, _ in each), strict=True)),
            id="-".join(id_ for _, id_ in each),
        )
        for each in combined
    )


def _values(name: Any, given: Any) -> list[Any]:
    if not isinstance(name, str) or not name.isidentifier():
        raise UsageError(f"over= names parameters of the body, got {name!r}", fix=_TAKES)
    if name in PARAMETERS and name != "model":
        raise UsageError(
            f"over= cannot sweep over {name!r}, which differs from trial to trial or is made by us",
            fix='cases=[...] for cases, arms=(...) for arms, over={"model": [...]} for models',
        )
    if not isinstance(given, list | tuple | range) or not given:
        raise UsageError(f"over={{{name!r}: ...}} takes a list of values, got {given!r}", fix=_TAKES)
    if name == "model" and not all(isinstance(value, str) for value in given):
        raise UsageError("over= sweeps over models by their ids", fix='over={"model": ["openai/gpt-5-mini"]}')
    return list(given)


def _ids(name: str, values: list[Any]) -> list[str]:
    """Return a short text for each value: the value itself where it is one, else its position."""
    texts = [_text(value) for value in values]
    if name == "model":
        texts = list(values)
    found = [f"{name}{at}" if text is None else text for at, text in enumerate(texts)]
    for at, value in enumerate(values):
        if any(value is other or _equal(value, other) for other in values[:at]):
            raise UsageError(f"over= gives {name!r} the same value twice: {value!r:.80}", fix="drop one")
    return found if len(set(found)) == len(found) else [f"{name}{at}" for at in range(len(values))]


def _equal(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # values of other libraries may refuse to be compared
        return False


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        plain = value.isascii() and value.isprintable() and not set(value) & set("[]:-\\/")
        return value if plain and 0 < len(value) <= _MOST_CHARACTERS else None
    return str(value) if isinstance(value, bool | int | float) or value is None else None


def value_text(value: Any) -> str:
    """Return a swept value as a table shows it."""
    return value if isinstance(value, str) and value.strip() else repr(value)
