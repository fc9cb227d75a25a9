"""Rows in the words of other tools, turned into the words of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_velo.errors import UsageError, nearest
from pytest_velo.media import audio, image

Row = dict[str, Any]

_FIELDS = {"input": "question", "target": "answer"}
_BOOKKEEPING = ("id", "source", "metadata", "model", "internal")  # of Inspect's messages; no API takes them


def inspect_sample(where: str, row: Row) -> Row:
    """Return one of Inspect's samples as a case: `input` is the `question`, `target` the `answer`.

    What is in `metadata` becomes fields of the case; all else stays. An `input` of messages can be given to a
    model as it is.

    Source: https://inspect.aisi.org.uk/datasets.html

    Raises:
        UsageError: It has no `input`, or two fields get one name.
    """
    if "input" not in row:
        raise UsageError(
            'the row has no field "input", as Inspect\'s samples have',
            where=where,
            fix="leave preset= out, and rename fields by rename=",
        )
    metadata = row.get("metadata") or {}
    case = {_FIELDS.get(name, name): value for name, value in row.items() if name != "metadata"}
    if isinstance(metadata, Mapping):
        for name, value in metadata.items():
            if name in case:
                raise _twice(name, where)
            case[name] = value
    else:
        case["metadata"] = metadata
    for old, new in _FIELDS.items():
        if old in row and new in row:
            raise _twice(new, where)
    if isinstance(case["question"], list):
        case["question"] = [_message(message) for message in case["question"]]
    return case


def _twice(name: str, where: str) -> UsageError:
    return UsageError(
        f"preset= would make a second field {name!r}",
        where=where,
        fix="leave preset= out, and rename fields by rename=",
    )


def _message(message: Any) -> Any:
    if not isinstance(message, Mapping):
        return message
    kept = {name: value for name, value in message.items() if name not in _BOOKKEEPING and value is not None}
    if isinstance(content := kept.get("content"), list):
        kept["content"] = [_part(part) for part in content]
    return kept


def _part(part: Any) -> Any:
    """Return a part of a message; Inspect names images and sounds by path or as data URLs."""
    if not isinstance(part, Mapping):
        return part
    kind = part.get("type")
    if kind == "image" and isinstance(part.get(kind), str):
        detail = part.get("detail")
        return image(part[kind], detail=None if detail == "auto" else detail)
    if kind == "audio" and isinstance(part.get(kind), str):
        return audio(part[kind])
    return {name: value for name, value in part.items() if name not in _BOOKKEEPING and value is not None}


PRESETS: Mapping[str, Callable[[str, Row], Row]] = {"inspect": inspect_sample}


def check_preset(name: object) -> None:
    """Raise a usage error for a name that is no preset's.

    Raises:
        UsageError: It is none.
    """
    if name is not None and name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}", where="cases", fix=nearest(str(name), PRESETS))


def by_preset(name: str, where: str, row: Any) -> Row:
    """Return a row in our words.

    Raises:
        UsageError: It is not of the preset's kind.
    """
    if not isinstance(row, dict):
        raise UsageError(
            f"preset={name!r} takes rows with named fields, got {row!r}",
            where=where,
            fix="leave preset= out",
        )
    return PRESETS[name](where, row)
