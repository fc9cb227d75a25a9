"""From `assumes=` to the items that are meant, and the order in which pytest runs them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.claims import Estimation
from pytest_velo.designing.assuming import Assumable, circle_in, in_order, risk_of, risk_per_dollar
from pytest_velo.errors import UsageError, nearest
from pytest_velo.integration.collect.mistakes import keep
from pytest_velo.integration.collect.models import model_id
from pytest_velo.integration.collect.stash import FUNCTION, SPEC
from pytest_velo.integration.collect.validate import place_of
from pytest_velo.integration.names import MARK
from pytest_velo.integration.session import VeloSession
from pytest_velo.report.earlier import last_of

_FIX = 'assumes=[test_it_knows], or its node id: assumes=["test_base.py::test_it_knows"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A hypothesis that another one assumes.

    Attributes:
        node_id: Its node id; without parameters if it was not collected.
        item: Its item; None if it was not collected.
        function: Its function; None if it was named and not collected.
    """

    node_id: str
    item: pytest.Function | None = None
    function: Any = None


ASSUMES: pytest.StashKey[tuple[Target, ...]] = pytest.StashKey()
"""What an item assumes; nothing is there for an item that assumes nothing."""
_INDEX: pytest.StashKey[list[pytest.Function]] = pytest.StashKey()


def link(items: Sequence[pytest.Function], session: VeloSession) -> None:
    """Find what prepared hypotheses assume.

    A mistake is kept: a test that is not there or no hypothesis, claims nothing, or is assumed in a circle.
    """
    known = session.config.stash.setdefault(_INDEX, [])
    known += items
    for item in items:
        if ASSUMES in item.stash:  # it is taken in again, with other marks
            del item.stash[ASSUMES]
    if not any(item.stash[SPEC].get("assumes") for item in items):
        return
    for item in items:
        named = item.stash[SPEC].get("assumes", ())
        if named:
            try:
                found = [target for each in named for target in _meant(each, item, known, session)]
                item.stash[ASSUMES] = tuple({target.node_id: target for target in found}.values())
            except UsageError as error:
                keep(item, error.at(place_of(item)))
    _check_circles(known)
    session.endings.ask(target.node_id for item in known for target in item.stash.get(ASSUMES, ()))


def _base(item: pytest.Function) -> str:
    """Return the node id of an item's function, without its parameters."""
    parent = item.parent
    return f"{'' if parent is None else parent.nodeid}::{item.originalname}"


def _meant(
    named: Assumable, item: pytest.Function, known: Sequence[pytest.Function], session: VeloSession
) -> list[Target]:
    """Return the targets of one name: those of the item's model where it has any, else all.

    Raises:
        UsageError: There is none.
    """
    if isinstance(named, str):
        found = _by_name(named, item, known)
        targets = [] if found else [_elsewhere(named, item, known)]
    else:
        function = inspect.unwrap(named)
        found = [each for each in known if inspect.unwrap(each.stash[FUNCTION]) is function]
        targets = [] if found else [_not_collected(function, item)]
    for each in found:
        if isinstance(each.stash[SPEC].claim, Estimation):
            raise UsageError(
                f"assumes= names {each.name}, an estimate, which claims nothing that could be assumed",
                fix="claim what has to hold, e.g. rate >= 0.8",
            )
    mine = model_id(item, session.settings)
    of_mine = [each for each in found if mine is not None and model_id(each, session.settings) == mine]
    chosen = of_mine or found
    return targets or [
        Target(node_id=each.nodeid, item=each, function=each.stash[FUNCTION]) for each in chosen
    ]


def _by_name(name: str, item: pytest.Function, known: Sequence[pytest.Function]) -> list[pytest.Function]:
    """Return the collected items that a name or node id means; the item's own class and file come first."""
    if "::" in name or "[" in name:
        return [
            each
            for each in known
            if any(told == name or told.endswith(f"/{name}") for told in (each.nodeid, _base(each)))
        ]
    alike = [each for each in known if each.originalname == name]
    for near in (
        [each for each in alike if each.parent is item.parent],
        [each for each in alike if each.path == item.path],
    ):
        if near:
            return near
    bases = [*dict.fromkeys(map(_base, alike))]
    if len(bases) > 1:
        raise UsageError(
            f"assumes={name!r} could be any of {', '.join(bases)}",
            fix=f'name its file, too: assumes=["{bases[0]}"]',
        )
    return alike


def _not_collected(function: Any, item: pytest.Function) -> Target:
    """Return the target of a function that pytest did not make items of.

    Raises:
        UsageError: It is no hypothesis.
    """
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == MARK and mark.args]
    code = getattr(function, "__code__", None)
    in_a_class = "." in getattr(function, "__qualname__", "") and "<locals>" not in function.__qualname__
    if code is None or not (marks or in_a_class):
        name = getattr(function, "__name__", type(function).__name__)
        raise UsageError(f"assumes= names {name}, which is not a hypothesis", fix=_FIX)
    path = Path(code.co_filename)
    root = item.config.rootpath
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return Target(node_id=f"{file}::{function.__qualname__.replace('.', '::')}", function=function)


def _elsewhere(name: str, item: pytest.Function, known: Sequence[pytest.Function]) -> Target:
    """Return the target of a name that was not collected: of this file, or of one that a node id names.

    Raises:
        UsageError: There is no such test.
    """
    file, _, inside = name.partition("[")[0].partition("::")
    if not inside:
        file, inside = item.nodeid.partition("::")[0], file
    for folder in (item.config.rootpath, item.path.parent):
        path = folder / file
        if path.is_file() and inside in set(_functions_in(path)):
            root = item.config.rootpath
            shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
            function = getattr(item.module, inside, None) if path == item.path else None
            return Target(node_id=f"{shown}::{inside}", function=function)
    names = sorted({part for each in known for part in (each.originalname, _base(each))})
    raise UsageError(f"assumes= names {name!r}, and there is no such hypothesis", fix=nearest(name, names))


def _functions_in(path: Path) -> Iterator[str]:
    """Yield the functions of a test file as node ids name them, without running it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}{child.name}"
            elif isinstance(child, ast.ClassDef):
                waiting.append((f"{prefix}{child.name}::", child))


def _check_circles(items: Sequence[pytest.Function]) -> None:
    places: dict[str, str] = {}
    assumes: dict[str, dict[str, None]] = {}
    for item in items:
        places.setdefault(_base(item), place_of(item))
        for target in item.stash.get(ASSUMES, ()):
            base = target.node_id if target.item is None else _base(target.item)
            assumes.setdefault(_base(item), {})[base] = None
    circle = circle_in(assumes)
    if circle:
        error = UsageError(
            f"these tests assume each other: {' -> '.join(circle)}",
            where=places.get(circle[0], circle[0]),
            fix="leave out one of the assumptions: what is assumed has to be decided first",
        )
        for item in items:
            if _base(item) in circle:
                keep(item, error)
                item.stash[ASSUMES] = ()  # they have no order


def put_first(items: list[pytest.Item], session: VeloSession) -> None:
    """Put hypotheses behind what they assume; tests that have nothing to do with it keep their places."""
    assumes = {
        item: [target.item for target in item.stash[ASSUMES] if target.item is not None]
        for item in items
        if isinstance(item, pytest.Function) and ASSUMES in item.stash
    }
    if not assumes:
        return
    here = set(items)
    part = {*assumes, *(each for targets in assumes.values() for each in targets if each in here)}
    places = [at for at, item in enumerate(items) if item in part]
    found = in_order(
        [item for item in items if isinstance(item, pytest.Function) and item in part],
        assumes,
        lambda item: _priority(item, session),
    )
    for at, item in zip(places, found, strict=True):
        items[at] = item


def _priority(item: pytest.Function, session: VeloSession) -> float:
    """Return how much risk a dollar settles.

    The workers of pytest-xdist must agree on the order, so there only the marks count.
    """
    predicted = item.stash[SPEC].get("predict")
    if session.worker is not None:
        return risk_of(predicted, None)
    last = last_of(item.nodeid, session.settings.cache_dir)
    risk = risk_of(predicted, None if last is None else last.result.outcome.value)
    seen = None if session.stored is None else session.stored.last_seen(item.nodeid)
    max_trials = item.stash[SPEC].get("max_trials", session.settings.max_trials)
    usd = None if seen is None or seen.usd_per_trial is None else seen.usd_per_trial * max_trials
    return risk_per_dollar(risk, usd)
