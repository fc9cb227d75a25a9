"""The tree and the graph of assumptions, from results alone."""

from __future__ import annotations

from pytest_velo.records import Assumed, HypothesisResult, Outcome, Standing, Stubbed
from pytest_velo.report.assumptions import assumption_lines, nodes_of
from pytest_velo.report.document import compact, from_compact
from pytest_velo.report.page.graph import graph_of


def result(name: str, *assumes: str, outcome: Outcome = Outcome.SUPPORTED, node: str = "t.py::{}"):
    return HypothesisResult(
        node_id=node.format(name),
        belief=name,
        claim="rate >= 0.5",
        scope="this body as it stands",
        outcome=outcome,
        assumes=tuple(
            Assumed(
                node_id=node.format(each),
                standing=Standing.SUPPORTED,
                told="did not run here; last: supported",
            )
            for each in assumes
        ),
    )


def test_nothing_is_drawn_where_nothing_is_assumed():
    assert assumption_lines([result("a")], 80) == []
    assert graph_of([result("a")], {}) is None


def test_what_rests_on_several_is_shown_once_and_named_again():
    results = [result("a"), result("b"), result("c", "a", "b"), result("d", "c", "elsewhere")]
    lines = [line.text for line in assumption_lines(results, 80)]
    assert lines[2:] == [
        "✓ a: supported",
        "  ✓ c: supported",
        "    ✓ d: supported",
        "✓ b: supported",
        "  ✓ c: as above",
        "– elsewhere: not run here; last: supported",
        "  ✓ d: as above",
    ]
    assert {node.node_id: node.depth for node in nodes_of(results)} == {
        "t.py::a": 0,
        "t.py::b": 0,
        "t.py::c": 1,
        "t.py::d": 2,
        "t.py::elsewhere": 0,
    }


def test_a_long_chain_and_a_damaged_circle_end():
    chain = [result("0"), *(result(str(n), str(n - 1)) for n in range(1, 3_000))]
    assert nodes_of(chain)[-1].depth == 2_999
    circle = [result("a", "b"), result("b", "a")]
    assert {line.text.strip()[2:] for line in assumption_lines(circle, 80)[2:]} == {
        "a: supported",
        "b: supported",
    }


def test_the_graph_has_room_for_long_and_hostile_names():
    name = "x" * 300 + "</script>\x1b[31m"
    graph = graph_of([result(name), result("leaf", name)], {"t.py::leaf": "h2"})
    low, high = graph.boxes
    assert len(low.name) <= 32
    assert "\x1b" not in low.full
    assert (low.id, high.id) == ("", "h2")
    assert low.x + graph.box[0] < high.x
    assert high.x + graph.box[0] <= graph.width
    assert max(low.y, high.y) + graph.box[1] <= graph.height
    (told,) = graph.told
    assert told.startswith("t.py::leaf (supported) assumes t.py::xxx")


def test_a_large_graph_is_cut_and_says_so():
    graph = graph_of([result("a"), *(result(str(n), "a") for n in range(400))], {})
    assert (len(graph.boxes), graph.n_left_out) == (300, 101)


def test_stubs_and_assumptions_survive_the_record():
    kept = HypothesisResult(
        node_id="t.py::a",
        belief="a",
        claim="rate >= 0.5",
        scope="",
        outcome=Outcome.INCONCLUSIVE,
        stubs=(Stubbed(what="judge", why="no rubric", where="t.py:3"),),
        assumes=(Assumed(node_id="t.py::b", standing=Standing.WAITING, told="has not ended"),),
    )
    assert from_compact(compact(kept, 0)) == kept
