"""What changed between a missing request and the ones that were recorded, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from pytest_velo.cache.forms import FIRST, form_of
from pytest_velo.cache.keys import key_parameters
from pytest_velo.records import Address, Request

SHOWN = 3
"""Maximum number of differences shown for the nearest request."""

_AROUND = 12
_WIDTH = 40
_ABSENT = object()

Difference = tuple[str, Any, Any]
"""Path, recorded value, requested value; `_ABSENT` if one side has none."""


def explain_miss(
    request: Request,
    recorded: Iterable[Request],
    address: Address | None = None,
    addresses: Iterable[Address] = (),
) -> str:
    """Say why a request has no recorded draw.

    Args:
        request: The request without a draw.
        recorded: The requests that were recorded.
        address: The address that was looked up; None if only requests are compared.
        addresses: Where draws of the same request are recorded.

    Returns:
        One sentence about the recorded request with the fewest differences, naming at most `SHOWN` of them.
    """
    if address is not None and (elsewhere := _elsewhere(address, list(addresses))):
        return elsewhere
    nearest = min((_differences(other, request) for other in recorded), key=_distance, default=None)
    if nearest is None:
        return "nothing is recorded"
    if tool := _other_result(nearest, request):
        return f"the tool {tool} gave another result than when this was recorded: {_summary(nearest)}"
    if not nearest and form_of(request) != FIRST:
        return "an older version recorded this request, but sent it, or read its reply, differently"
    if not nearest:
        return "this request is recorded, but for another seed, stream or slot"
    return _summary(nearest)


def _summary(differences: list[Difference]) -> str:
    told = [_told(*difference) for difference in differences[:SHOWN]]
    more = [f"and {len(differences) - SHOWN} more"] if len(differences) > SHOWN else []
    return "; ".join(told + more)


def _other_result(differences: list[Difference], asked: Request) -> str:
    """Return the tool whose result alone differs from a recorded one; empty if something else does."""
    places = [re.fullmatch(r"messages\[(\d+)\]\.content.*", path) for path, _, _ in differences]
    results = [asked.messages[int(place[1])] for place in places if place is not None]
    if not results or len(results) < len(places) or any(each.get("role") != "tool" for each in results):
        return ""
    calls = [call for message in asked.messages for call in message.get("tool_calls") or ()]
    names = {call.get("id"): call.get("name") for call in calls if isinstance(call, Mapping)}
    return str(names.get(results[0].get("tool_call_id"), "of a message"))


def _elsewhere(asked: Address, recorded: list[Address]) -> str:
    """Name the address nearest to the requested one; empty if the request has no draw at all."""
    changes = (_changed(other, asked, ("seed", "stream", "slot")) for other in recorded)
    fewest = min(changes, key=len, default=[])
    if not fewest:
        return ""
    told = ", ".join(f"with {name} {old!r}, asked for with {name} {new!r}" for name, old, new in fewest)
    return f"the same request was recorded {told}{_order_of_cases(fewest, asked)}"


def _order_of_cases(changes: list[Difference], asked: Address) -> str:
    """Say why a draw of a case may be asked for under another repeat than it was recorded."""
    case = asked.slot.partition(":")[0]
    if not case or [(name, str(old).partition(":")[0]) for name, old, _ in changes] != [("slot", case)]:
        return ""
    return (
        " (another repeat of the same case: did the order of the cases change? A list made of a set has"
        " another one in every run: give the set itself, or sort it)"
    )


def _changed(recorded: object, asked: object, names: Iterable[str]) -> list[Difference]:
    pairs = ((name, getattr(recorded, name), getattr(asked, name)) for name in names)
    return [(name, old, new) for name, old, new in pairs if old != new]


def _differences(recorded: Request, asked: Request) -> list[Difference]:
    found = _changed(recorded, asked, ("api", "endpoint", "model", "path"))
    found += _walk("", key_parameters(recorded), key_parameters(asked))
    found += _walk("messages", recorded.messages, asked.messages)
    return found


def _walk(path: str, old: Any, new: Any) -> Iterator[Difference]:
    """Yield the leaves in which two JSON values differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            inner = f"{path}.{name}" if path else name
            yield from _walk(inner, old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for place, (left, right) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _walk(f"{path}[{place}]", left, right)
    elif old != new or _number_kind(old) is not _number_kind(new):
        yield path, old, new


def _number_kind(value: Any) -> type | None:
    """Return a type for values that JSON distinguishes and Python calls equal: `True`, `1`, `1.0`."""
    return next((kind for kind in (bool, int, float) if isinstance(value, kind)), None)


def _distance(differences: list[Difference]) -> tuple[int, int]:
    """Order requests by how many leaves differ, then by how much of the text differs."""
    return len(differences), sum(map(_unlike, differences))


def _unlike(difference: Difference) -> int:
    _, old, new = difference
    if not (isinstance(old, str) and isinstance(new, str)):
        return 0
    same = _n_common(old, new)
    return max(len(old), len(new)) - same - _n_common(old[same:][::-1], new[same:][::-1])


def _n_common(left: str, right: str) -> int:
    """Return the length of the common prefix, by bisection: slices compare quickly."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _told(path: str, old: Any, new: Any) -> str:
    if new is _ABSENT:
        return f"{path} {_shown(old)} was recorded and is not asked for now"
    if old is _ABSENT:
        return f"{path} {_shown(new)} is asked for and was not recorded"
    if isinstance(old, str) and isinstance(new, str):
        same = _n_common(old, new)
        return f"{path} differs: {_around(old, same)} was recorded, {_around(new, same)} is asked for"
    return f"{path} {_shown(old)} was recorded, {_shown(new)} is asked for"


def _around(text: str, place: int) -> str:
    """Quote the part of a text where it begins to differ."""
    begin = max(0, place - _AROUND)
    end = begin + _WIDTH
    head, tail = "…" if begin else "", "…" if end < len(text) else ""
    return repr(f"{head}{text[begin:end]}{tail}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
