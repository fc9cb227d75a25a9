"""The graph of assumptions as a drawing: boxes in layers by depth, each with its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_velo.records import HypothesisResult
from pytest_velo.report.assumptions import Node, edges_of, nodes_of
from pytest_velo.report.page.conversation import shown
from pytest_velo.report.phrases import mark
from pytest_velo.report.text import inline

_WIDE, _HIGH = 290, 46
_ACROSS, _DOWN = 70, 16
_EDGE = 6
_LETTERS = 32
"""Characters of a name that fit into a box in bold; its title has it in full."""
_MOST = 300
"""Boxes that a browser lays out well, and a reader can follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A hypothesis in the drawing.

    Attributes:
        x, y: Its upper left corner, in pixels.
        name: As much of its name as fits; `full` is the whole.
        told: Its verdict in words, and as much of it as fits in `short`.
        tone: The outcome whose colour it has.
        id: The anchor of its entry; empty if the page has none.
    """

    x: int
    y: int
    name: str
    full: str
    told: str
    short: str
    tone: str
    mark: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The drawing.

    Attributes:
        boxes: What assumes nothing first.
        edges: The path of each line, from what is assumed to what assumes it.
        told: Each line in words.
        n_left_out: Hypotheses that it has no room for.
    """

    width: int
    height: int
    box: tuple[int, int]
    boxes: tuple[Box, ...]
    edges: tuple[str, ...]
    told: tuple[str, ...]
    n_left_out: int


def graph_of(results: Sequence[HypothesisResult], ids: Mapping[str, str]) -> Graph | None:
    """Return the drawing of a run's assumptions; None if there are none.

    Args:
        results: Of the run; their trials are not needed.
        ids: The anchors of the entries by node id.
    """
    every = sorted(nodes_of(results), key=lambda node: node.depth)
    nodes = every[:_MOST]
    if not nodes:
        return None
    rows: dict[int, int] = {}
    places: dict[str, tuple[int, int]] = {}
    for node in nodes:
        row = rows.get(node.depth, 0)
        rows[node.depth] = row + 1
        places[node.node_id] = _EDGE + node.depth * (_WIDE + _ACROSS), _EDGE + row * (_HIGH + _DOWN)
    drawn = [(low, high) for low, high in edges_of(every) if high.node_id in places]
    return Graph(
        width=2 * _EDGE + (max(rows) + 1) * _WIDE + max(rows) * _ACROSS,
        height=2 * _EDGE + max(rows.values()) * (_HIGH + _DOWN) - _DOWN,
        box=(_WIDE, _HIGH),
        boxes=tuple(_box(node, *places[node.node_id], ids.get(node.node_id, "")) for node in nodes),
        edges=tuple(_path(places[low.node_id], places[high.node_id]) for low, high in drawn),
        told=tuple(
            shown(f"{high.node_id} ({high.told}) assumes {low.node_id} ({low.told})", 1_000)
            for low, high in drawn
        ),
        n_left_out=len(every) - len(nodes),
    )


def _box(node: Node, x: int, y: int, anchor: str) -> Box:
    name = node.node_id.split("::", 1)[-1]
    return Box(
        x=x,
        y=y,
        name=inline(name, _LETTERS),
        full=shown(node.node_id, 1_000),
        told=shown(node.told, 1_000),
        short=inline(node.told, _LETTERS),
        tone=node.outcome.value,
        mark=mark(node.outcome),
        id=anchor,
    )


def _path(low: tuple[int, int], high: tuple[int, int]) -> str:
    """Return a curve from the right of one box to the left of another."""
    x1, y1 = low[0] + _WIDE, low[1] + _HIGH // 2
    x2, y2 = high[0], high[1] + _HIGH // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
