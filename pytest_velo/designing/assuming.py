"""What hypotheses assume of each other: the keyword, circles, and the order in which they are decided."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

Key = TypeVar("Key")

Assumable = Callable[..., Any] | str
"""A test function, or its name or node id."""

_LEAST_USD = 0.001
"""Below this, what is saved by asking first is nothing: draws that cost nothing are asked by their risk."""
_EVEN = 0.5
_BY_VERDICT: Mapping[str, float] = {"supported": 0.1, "refuted": 0.9}


def read_assumes(value: Any) -> tuple[Assumable, ...]:
    """Return what the keyword `assumes=` names.

    Raises:
        ValueError: It names no test.
    """
    named = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not named or not all(callable(each) or (isinstance(each, str) and each) for each in named):
        raise ValueError("a test function, its name or node id, or a list of them")
    return named


def circle_in(assumes: Mapping[Key, Iterable[Key]]) -> list[Key]:
    """Return a circle, its first member again at its end; empty if there is none."""
    done: set[Key] = set()
    for start in assumes:
        path: list[Key] = []
        stack = [(start, iter(assumes.get(start, ())))]
        path.append(start)
        while stack:
            node, rest = stack[-1]
            following = next((each for each in rest if each not in done), None)
            if following is None:
                done.add(node)
                stack.pop()
                path.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            else:
                path.append(following)
                stack.append((following, iter(assumes.get(following, ()))))
    return []


def in_order(
    nodes: Sequence[Key], assumes: Mapping[Key, Iterable[Key]], priority: Callable[[Key], float]
) -> list[Key]:
    """Return the nodes, each behind what it assumes.

    Among those that may come next, what others assume comes first, and of these the one with the largest
    priority. What is equal keeps its order. There is no circle.
    """
    place = {node: at for at, node in enumerate(nodes)}
    waiting = {node: {each for each in assumes.get(node, ()) if each in place} for node in nodes}
    waited_for: dict[Key, list[Key]] = {}
    for node, needs in waiting.items():
        for need in needs:
            waited_for.setdefault(need, []).append(node)

    def rank(node: Key) -> tuple[bool, float, int]:
        wanted = node in waited_for
        return not wanted, -priority(node) if wanted else 0.0, place[node]

    ready = [(*rank(node), node) for node in nodes if not waiting[node]]
    heapq.heapify(ready)
    found: list[Key] = []
    while ready:
        node = heapq.heappop(ready)[-1]
        found.append(node)
        for other in waited_for.get(node, ()):
            waiting[other].discard(node)
            if not waiting[other]:
                heapq.heappush(ready, (*rank(other), other))
    return found


def risk_of(predicted: Any, last: str | None) -> float:
    """Return how likely it is that an assumption does not hold, in [0, 1].

    Args:
        predicted: What the author predicts, if anything: the chance that it is supported, or a verdict.
        last: The last verdict; None if it has none.
    """
    if isinstance(predicted, int | float) and not isinstance(predicted, bool) and 0 <= predicted <= 1:
        return 1.0 - predicted
    return _BY_VERDICT.get(str(predicted), _BY_VERDICT.get(last or "", _EVEN))


def risk_per_dollar(risk: float, usd: float | None) -> float:
    """Return what asking first is worth; a price that is not known counts as a dollar."""
    return risk / max(_LEAST_USD, 1.0 if usd is None else usd)
