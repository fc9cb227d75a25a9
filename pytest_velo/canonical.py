"""One byte string per value: what keys and digests are computed from.

Two values have the same canonical form exactly when they mean the same JSON: object keys are sorted, there is
no white space, and text is UTF-8 as it stands (no normalisation). `1`, `1.0` and `True` are three different
values (they print differently, so they make different prompts); a tuple is a list; dataclasses,
`msgspec.Struct`s, pydantic models and mappings are objects; an enum member is its value. A value without an
exact JSON form is refused, because a silent substitute (NaN as null, bytes as base64, an object's address)
would let two different values share one form, or one value have two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_velo.errors import UsageError

if TYPE_CHECKING:
    import msgspec


def canonical(value: object, *, name: str = "value") -> bytes:
    """Return the canonical JSON of `value`, UTF-8.

    Args:
        value: Anything JSON-like (see the module docstring).
        name: What error messages call it.

    Raises:
        UsageError: A part of it has no exact JSON form; the message names its path, e.g. `value.rows[2].x`.
    """
    try:
        if _is_plain(value):
            return _encoder().encode(value)
    except UnicodeEncodeError:
        pass  # a lone surrogate: the slow walk below says where
    except RecursionError:
        raise _endless(name) from None
    return _encoder().encode(_plain(value, name, ()))


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of `value`, 64 hex digits.

    Raises:
        UsageError: As `canonical` does.
    """
    return sha256(canonical(value)).hexdigest()


def json_text(value: object, *, name: str = "value") -> str:
    """Return `value` as JSON text, its keys in their own order.

    Raises:
        UsageError: As `canonical` does.
    """
    try:
        return msgspec.json.encode(_plain(value, name, ())).decode()
    except RecursionError:
        raise _endless(name) from None


def _endless(name: str) -> UsageError:
    return UsageError(
        f"{name} contains itself, or is nested too deeply to be written as JSON",
        fix="pass only the part you need",
    )


@cache
def _encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder(order="deterministic")


def _is_plain(value: object) -> bool:
    """Tell whether the encoder may take `value` unchanged: exact JSON types and finite numbers only."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return True
    if kind is dict:
        for key, part in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not (type(part) is str or _is_plain(part)):
                return False
        return True
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))  # type: ignore[call-overload]
    return kind is float and math.isfinite(value)  # type: ignore[arg-type]


def _plain(value: object, path: str, parents: tuple[int, ...]) -> Any:
    """Return `value` in exact JSON types, or raise an error that names the part that has none."""
    if id(value) in parents:
        raise UsageError(f"{path} contains itself", fix="only finite values can be written as JSON")
    inner = (*parents, id(value))
    if isinstance(value, Enum):
        return _plain(value.value, path, inner)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _number(value, path)
    if isinstance(value, list | tuple):
        return [_plain(part, f"{path}[{place}]", inner) for place, part in enumerate(value)]
    members = members_of(value)
    if members is None:
        raise UsageError(
            f"{path} is {_shown(value)}, which has no exact JSON form",
            fix="use str, int, float, bool, None, lists, dicts, dataclasses or pydantic models",
        )
    return {_key(key, path): _plain(part, f"{path}.{key}", inner) for key, part in members.items()}


def members_of(value: object) -> dict[Any, object] | None:
    """Return the parts of a mapping, a dataclass, a struct or a pydantic model by name; None for others."""
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    names = getattr(type(value), "model_fields", None) or getattr(type(value), "__struct_fields__", None)
    return None if names is None else {name: getattr(value, name) for name in names}


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise UsageError(f"{path} has the key {key!r}, which is not text", fix=f"write it as {str(key)!r}")
    return _text(key, path)


def _text(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{path} contains half of a surrogate pair at character {error.start}, which is not text",
            fix='text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")',
        ) from None
    return str.__str__(text)


def _number(number: float, path: str) -> float:
    if not math.isfinite(number):
        raise UsageError(f"{path} is {number}, which JSON does not have", fix="use None for unknown")
    return float(number)


def _shown(value: object) -> str:
    kind = type(value)
    return (
        "a set (it has no order)"
        if kind in (set, frozenset)
        else f"of type {kind.__module__}.{kind.__qualname__}"
    )
