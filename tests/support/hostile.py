"""Strategies that damage real files: values replaced, dropped, repeated or nested; bytes cut."""

from __future__ import annotations

import copy
import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

fuzzing = settings(
    max_examples=int(os.environ.get("FUZZ", "40")),
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""A fixed budget for each target; FUZZ=1000 sets another one."""

_DEEP_TEXT = "[" * 50_000 + "]" * 50_000
_STANDS_FOR_DEEP = "stands for something deep"

_NUMBERS = [0, -1, 1, 3.5, 1e308, -0.0, 2**31, 2**63, 2**70, -(2**70), float("nan"), float("inf")]
_TEXTS = ["", "x", "NaN", "1e999", "\ud800", "\x00", "\u202e", "x" * 3_000, "2026", "zero", "-1"]
_OTHERS = [None, True, False, [], {}, [[]], [None], {"": None}, {"a": {"b": []}}, [0] * 50]
odd_values = st.sampled_from([*_NUMBERS, *_TEXTS, *_OTHERS, _STANDS_FOR_DEEP])


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for name, item in value.items():
            found += _places(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            found += _places(item, (*path, place))
    return found


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Return a JSON value with one to three changes to its structure."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(value)
        path = draw(st.sampled_from(places))
        if not path:
            continue
        parent, step = _at(value, path[:-1]), path[-1]
        match draw(st.sampled_from(["replace", "drop", "repeat", "nest", "swap"])):
            case "replace":
                parent[step] = copy.deepcopy(draw(odd_values))
            case "drop":
                del parent[step]
            case "repeat" if isinstance(parent, list):
                parent.insert(step, copy.deepcopy(parent[step]))
            case "repeat":
                parent[f"{step} again"] = copy.deepcopy(parent[step])
            case "nest":
                parent[step] = draw(st.sampled_from([[parent[step]], {"nested": parent[step]}]))
            case "swap":
                parent[step] = copy.deepcopy(_at(value, draw(st.sampled_from(places))))
    return value


def as_text(value: Any) -> str:
    """Return JSON, with what `json` could not write."""
    return json.dumps(value).replace(f'"{_STANDS_FOR_DEEP}"', _DEEP_TEXT)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Return bytes that are cut, overwritten, repeated, or as they were."""
    place = draw(st.integers(0, len(content)))
    match draw(st.sampled_from(["keep", "keep", "cut", "insert", "overwrite", "repeat", "behead"])):
        case "cut":
            return content[:place]
        case "behead":
            return content[place:]
        case "insert":
            return content[:place] + draw(st.binary(min_size=1, max_size=5)) + content[place:]
        case "overwrite":
            return content[:place] + draw(st.binary(min_size=1, max_size=5)) + content[place + 5 :]
        case "repeat":
            return content[:place] + content[max(0, place - 40) :]
    return content


@st.composite
def damaged_json(draw: st.DrawFn, value: Any) -> bytes:
    """Return the bytes of a JSON value whose structure is changed, and which may be cut."""
    text = as_text(draw(changed(value)))
    if draw(st.integers(0, 4)) == 0:  # a name twice
        text = text.replace("{", f'{{"{draw(st.sampled_from(["version", "key", "text", "seed"]))}": 7, ', 1)
    return draw(damaged(text.encode()))


@st.composite
def damaged_lines(draw: st.DrawFn, values: list[Any]) -> bytes:
    """Return lines of JSON of which one is damaged."""
    bad = draw(st.integers(0, len(values) - 1))
    lines = [as_text(value).encode() for value in values]
    lines[bad] = draw(damaged_json(values[bad]))
    return b"\n".join(lines) + b"\n"
