"""Every mistake in a test function that shows in its marks, fixtures and source."""

from __future__ import annotations

import inspect
import unittest
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_velo.bodies.asserts import removed_asserts
from pytest_velo.bodies.forbidden import forbidden_fixtures, forbidden_helper, why_forbidden
from pytest_velo.bodies.shape import BodyFacts, check_facts, read_body
from pytest_velo.designing.fit_search import check_attack
from pytest_velo.designing.models import model_ids
from pytest_velo.designing.parameters import PER_TRIAL
from pytest_velo.designing.spec import Spec
from pytest_velo.designing.uses import check_cases_used, check_uses, leaves_cases_unused
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.checks import check_silenced
from pytest_velo.integration.collect.fixture_names import (
    asked_for,
    asking_in,
    in_play,
    is_ours,
    may_ask_later,
    ours_in,
    told,
)
from pytest_velo.integration.collect.marks import gives, is_given, read_spec
from pytest_velo.integration.collect.models import chosen_model
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.compat import FixtureInfo, fixture_info
from pytest_velo.searching.search import Search
from pytest_velo.settings import Settings

_CHECKED: pytest.StashKey[dict[tuple[int, int], tuple[FixtureInfo, BodyFacts]]] = pytest.StashKey()
"""Facts of the functions already checked, by fixtures and spec: items of one function share its checks."""

_FORBIDDEN_FIX = "return or assert on values inside the body; test output and warnings in a plain test"


def check_function(
    node: Any, settings: Settings, *, may_be_later: bool = False
) -> tuple[Spec, BodyFacts] | None:
    """Check a test function, once for all its items; None if it is not a hypothesis.

    With `may_be_later`, a test without our marks may still become a hypothesis, by a mark of `pytest.param`.

    Raises:
        UsageError: With the place filled in.
    """
    try:
        spec, info = read_spec(node, node.function), fixture_info(node)
        if spec is None:
            if not may_be_later:
                _check_stranger(info, node.function)
            return None
        checked = node.config.stash.setdefault(_CHECKED, {})
        key = (id(info), id(spec))
        if key not in checked:
            _check_shape(node)
            _check_fixtures(node, info, spec, settings)
            _check_asked_for(node, info)
            check_silenced(spec, node.config)
            facts = read_body(node.function, tuple(ours_in(info)))
            problem = check_facts(facts) or forbidden_helper(node.function) or removed_asserts(node.function)
            if problem is not None:
                raise problem
            if isinstance(search := spec.get("cases"), Search):
                check_attack(search, is_async=facts.is_async)
            checked[key] = info, facts
    except UsageError as error:
        raise error.at(place_of(node)) from None
    return spec, checked[key][1]


def place_of(node: Any) -> str:
    """Return the node id, with the line its function begins at if known."""
    code = getattr(inspect.unwrap(node.function), "__code__", None)
    return str(node.nodeid) if code is None else f"{node.nodeid} (line {code.co_firstlineno})"


def _check_stranger(info: FixtureInfo, function: Any) -> None:
    """Refuse our fixtures in other tests, where placeholders could let the test pass."""
    for name in ours_in(info):
        if is_given(function):
            raise UsageError(
                f"a property test (@given) uses our fixture {name!r}",
                fix="write a hypothesis (without @given) and give the strategy as cases=",
            )
        raise UsageError(
            f"the test uses our fixture {name!r} but is not a hypothesis",
            fix="mark it: @pytest.mark.hypothesis(rate >= 0.5)",
        )


def _check_shape(node: Any) -> None:
    if getattr(node, "cls", None) is not None and issubclass(node.cls, unittest.TestCase):
        raise UsageError(
            "a unittest.TestCase method cannot be a hypothesis: it would run once",
            fix="move it to a plain class or function",
        )


def _check_fixtures(node: Any, info: FixtureInfo, spec: Spec, settings: Settings) -> None:
    reasons, used = forbidden_fixtures(), in_play(node, info)
    for name in info.names_closure:
        if name in reasons and name in used:
            raise UsageError(
                f"a hypothesis cannot use the fixture {name!r}: {reasons[name]}", fix=_FORBIDDEN_FIX
            )
    for name, definitions in info.name2fixturedefs.items():
        last = definitions[-1]
        if is_ours(info, name):
            continue
        for argument in set(PER_TRIAL).intersection(last.argnames):
            if is_ours(info, argument):
                raise UsageError(
                    f"your fixture {name!r} uses {argument!r}, which differs from trial to trial",
                    fix=f"make {argument!r} an argument of the test and pass it to a helper function",
                )
    has_cases = spec.get("cases") is not None
    if "case" in info.argnames and not is_ours(info, "case") and has_cases:
        raise UsageError("a fixture or parameter named 'case' hides ours", fix="rename it, or use velo.case")
    check_uses(ours_in(info), spec, settings)
    if gives(node, "cases") and not may_ask_later(node, info):
        check_cases_used(ours_in(info), spec)


def _check_asked_for(node: Any, info: FixtureInfo) -> None:
    """Refuse fixtures and marks of plugins that trials cannot share."""
    if node.get_closest_marker("vcr") is not None:
        raise UsageError(
            "the mark `vcr` (pytest-recording) would let one recorded answer stand for many draws",
            fix="leave it out; `velo cassette export` and --velo-mode=replay record every draw",
        )
    for name in [each for mark in node.iter_markers("usefixtures") for each in mark.args]:
        if name in PER_TRIAL and name not in info.argnames and is_ours(info, name):
            raise UsageError(
                f"usefixtures({name!r}) sets up, once, what differs from trial to trial",
                fix=f"make `{name}` an argument of the body",
            )
    for name in asked_for(node, info):
        for definition in info.name2fixturedefs.get(name, ()):
            reason = why_forbidden(name, str(getattr(definition.func, "__module__", "")))
            if reason is not None:
                raise UsageError(
                    f"a hypothesis cannot use the fixture {told(node, info, name)}: {reason}",
                    fix=_FORBIDDEN_FIX,
                )


def warnings_of(node: Any) -> Iterator[str]:
    """Yield what may be a mistake, and may be meant."""
    for warning in (_other_loops(node), _unused_cases(node)):
        if warning is not None:
            yield warning


def _other_loops(node: Any) -> str | None:
    """Return a warning about async fixtures that a body asks for; None without any.

    Their plugin sets them up on its own event loop. Plain data is fine anywhere, a client is not.
    """
    info = fixture_info(node)
    names = [
        name
        for name in sorted(asked_for(node, info).intersection(info.name2fixturedefs))
        if inspect.iscoroutinefunction(info.name2fixturedefs[name][-1].func)
        or inspect.isasyncgenfunction(info.name2fixturedefs[name][-1].func)
    ]
    if not names:
        return None
    listed = " and ".join(map(repr, names))
    return (
        f"{node.nodeid}: the body asks for {listed}, set up on the event loop of pytest-asyncio or anyio;"
        " bodies run on another, where a client or a lock from there fails: open it inside the body"
    )


def _unused_cases(node: Any) -> str | None:
    """Return a warning about cases of a class or a module that a body does not use; None without any.

    They may be there for the other tests. Those of its own mark are an error.
    """
    info = fixture_info(node)
    if may_ask_later(node, info) or not leaves_cases_unused(ours_in(info), node.stash[SPEC]):
        return None
    return (
        f"{node.nodeid}: the body does not use `case`, so the cases that its class or module gives it cannot"
        " matter: make `case` an argument, or give the cases to the tests that use them"
    )


def check_chosen(item: pytest.Function, spec: Spec, settings: Settings) -> None:
    """Check that the item's model is one of its claim's: a claim of `pytest.param` is read late."""
    own, asking = spec.get("models"), asking_in(fixture_info(item))
    chosen = chosen_model(item)
    one_is_enough = spec.arms_are_models or len(model_ids(spec, settings)) <= 1
    if asking and not (one_is_enough if chosen is None else own is None or chosen in own):
        raise UsageError(
            "the item was not made for the models of its claim: a claim in pytest.param can name only one",
            fix="name one model in the mark of pytest.param, or models= in the mark of the function",
        )
