"""Which hypotheses assume which, as a tree of lines, and as a graph in layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_velo.records import Assumed, HypothesisResult, Outcome
from pytest_velo.report.lines import Line, Style
from pytest_velo.report.phrases import mark
from pytest_velo.report.stubs import outcome_word
from pytest_velo.report.table import STYLES
from pytest_velo.report.text import inline


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A hypothesis in the graph of assumptions.

    Attributes:
        node_id: Its node id.
        result: Its result; None if it did not run here.
        told: How it stands, in words.
        assumes: The node ids of what it assumes.
        depth: 0 for what assumes nothing; else one more than the deepest of what it assumes.
    """

    node_id: str
    result: HypothesisResult | None
    told: str
    assumes: tuple[str, ...]
    depth: int

    @property
    def outcome(self) -> Outcome:
        """Its outcome, as to marks and colours: that of a skipped one where it did not run here."""
        return Outcome.SKIPPED if self.result is None or was_held_back(self.result) else self.result.outcome


def was_held_back(result: HypothesisResult) -> bool:
    """Tell whether a hypothesis was not sampled because of what it assumes."""
    return bool(result.assumes) and result.decision is None and result.outcome is Outcome.INCONCLUSIVE


def nodes_of(results: Sequence[HypothesisResult]) -> list[Node]:
    """Return the hypotheses that assume another, and what they assume, in the order of the run.

    A damaged record may have a circle; what closes it is left out.
    """
    known = {result.node_id: result for result in results}
    edges: dict[str, tuple[str, ...]] = {}
    told: dict[str, str] = {}
    for result in results:
        for assumed in result.assumes:
            edges.setdefault(assumed.node_id, ())
            told[assumed.node_id] = _elsewhere(assumed)
        if result.assumes:
            edges[result.node_id] = tuple(assumed.node_id for assumed in result.assumes)
    depths: dict[str, int] = {}
    for node in edges:
        _deepen(node, edges, depths)
    order = [*(node for node in known if node in edges), *(node for node in edges if node not in known)]
    return [
        Node(
            node_id=node,
            result=known.get(node),
            told=_told(known[node]) if node in known else told[node],
            assumes=tuple(each for each in edges[node] if depths[each] < depths[node]),
            depth=depths[node],
        )
        for node in order
    ]


def _deepen(start: str, edges: dict[str, tuple[str, ...]], depths: dict[str, int]) -> None:
    """Give a node, and what it assumes, a depth; a chain may be longer than Python can recurse."""
    path, stack = {start}, [start]
    while stack:
        node = stack[-1]
        missing = next((each for each in edges[node] if each not in depths and each not in path), None)
        if missing is not None:
            path.add(missing)
            stack.append(missing)
            continue
        depths[node] = 1 + max((depths[each] for each in edges[node] if each in depths), default=-1)
        path.discard(stack.pop())


def _told(result: HypothesisResult) -> str:
    return "not sampled" if was_held_back(result) else outcome_word(result)


def _elsewhere(assumed: Assumed) -> str:
    return assumed.told.replace("did not run here", "not run here").replace("was skipped", "skipped")


def assumption_lines(results: Sequence[HypothesisResult], width: int) -> list[Line]:
    """Return the tree: below each hypothesis those that assume it; nothing if none assumes any.

    One that assumes several stands below the first of them, and is named again below the others.
    """
    nodes = {node.node_id: node for node in nodes_of(results)}
    if not nodes:
        return []
    below: dict[str, list[str]] = {}
    for node in nodes.values():
        for each in node.assumes:
            below.setdefault(each, []).append(node.node_id)
    lines = [Line(""), Line("assumptions, and what rests on them", Style.BOLD)]
    shown: set[str] = set()
    waiting = [(node.node_id, 0) for node in reversed(nodes.values()) if not node.assumes]
    while waiting:
        node_id, depth = waiting.pop()
        node, again = nodes[node_id], node_id in shown
        lines.append(_line(node, depth, width, again=again))
        if not again:
            shown.add(node_id)
            waiting += [(each, depth + 1) for each in reversed(below.get(node_id, ()))]
    return lines


_DEEPEST = 8
"""Further levels are not indented more: a narrow terminal has no room for them."""


def _line(node: Node, depth: int, width: int, *, again: bool) -> Line:
    name = node.node_id.split("::", 1)[-1]
    told = "as above" if again else node.told
    text = f"{'  ' * min(depth, _DEEPEST)}{mark(node.outcome)} {name}: {told}"
    return Line(_fitted(text, width), STYLES[node.outcome])


def _fitted(text: str, width: int) -> str:
    indent = len(text) - len(text.lstrip(" "))
    return " " * indent + inline(text[indent:], max(20, width - indent))


def edges_of(nodes: Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    """Yield what is assumed, with what assumes it."""
    known = {node.node_id: node for node in nodes}
    for node in nodes:
        for each in node.assumes:
            yield known[each], node
