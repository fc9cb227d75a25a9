"""Collection: which tests are ours, and every mistake that can be seen before a call is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from pytest_velo.checks.bodies import BodyFacts, check_facts, forbidden_fixtures, read_body
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.fixture_names import asking_in, is_ours, ours_in
from pytest_velo.integration.collect.marks import DEFAULTS_MARK, MARK, Spec, is_given, read_spec
from pytest_velo.integration.compat import FixtureInfo, fixture_info
from pytest_velo.integration.fixtures import PER_TRIAL
from pytest_velo.integration.session import VeloSession
from pytest_velo.settings import Settings

SPEC = pytest.StashKey[Spec]()
FUNCTION = pytest.StashKey[Any]()
FACTS = pytest.StashKey[BodyFacts]()


def generate(metafunc: pytest.Metafunc, settings: Settings) -> None:
    """Check one test function and give it one item per model.

    Raises:
        CollectError: A mistake; pytest shows it as an error of the module and runs nothing.
    """
    definition = metafunc.definition
    try:
        spec = _check_function(definition, settings, may_be_later=_has_parameters(definition))
    except UsageError as error:
        raise pytest.Collector.CollectError(str(error)) from None
    ids = settings.models if spec is None else model_ids(spec, settings)
    asking = asking_in(fixture_info(definition))
    if len(ids) > 1 and asking and not (spec is not None and spec.arms_are_models):
        metafunc.parametrize(asking[0], ids, ids=ids, indirect=True)


def _check_function(node: Any, settings: Settings, *, may_be_later: bool = False) -> Spec | None:
    """Return the spec of a test function, or an item of it, once checked; None when it is no hypothesis.

    Args:
        node: The function's definition, or an item.
        settings: The session's settings.
        may_be_later: What is no hypothesis yet may be one as an item, by a mark of `pytest.param`.
    """
    function = node.function
    try:
        spec = read_spec(node, function)
        info = fixture_info(node)
        if spec is None:
            if not may_be_later:
                _check_stranger(info, function)
            return None
        _check_shape(node)
        _check_fixtures(info, spec, settings)
        problem = check_facts(_facts_of(node))
        if problem is not None:
            raise problem
    except UsageError as error:
        raise error.at(_place(node)) from None
    return spec


def _facts_of(node: Any) -> BodyFacts:
    """Return what the source of a test's body says."""
    return read_body(node.function, tuple(ours_in(fixture_info(node))))


def prepare(items: Iterable[pytest.Function], session: VeloSession) -> None:
    """Give those items that are ours their spec and the mark `velo`, and check their design.

    Raises:
        UsageError: With the place filled in.
    """
    from pytest_velo.integration.collect.reach import check_design

    ours = []
    for item in items:
        spec = _check_function(item, session.settings)
        if spec is None:
            continue
        ours.append(item)
        item.stash[SPEC] = spec
        item.stash[FUNCTION] = item.function
        item.stash[FACTS] = _facts_of(item)
        item.add_marker(DEFAULTS_MARK)
        _hide_from_anyio(item)
        session.add_cassettes(item.path)
        try:
            _check_chosen(item, spec, session.settings)
            warning = check_design(item, session.settings)
        except UsageError as error:
            raise error.within(_place(item)) from None
        if warning is not None:
            item.warn(pytest.PytestWarning(warning))
    if session.settings.update is not None:
        from pytest_velo.integration.baseline.guard import check_update

        check_update(ours, session)


def _hide_from_anyio(item: pytest.Function) -> None:
    """Keep our item: anyio makes those with its mark anew, one per event loop and without what we know."""
    closest = item.get_closest_marker
    if closest("anyio") is not None:

        def others(name: str, default: Any = None) -> Any:
            return default if name == "anyio" else closest(name, default)

        item.get_closest_marker = others  # type: ignore[method-assign]


def model_ids(spec: Spec, settings: Settings) -> Sequence[str]:
    """Return the ids of the models a hypothesis is about: its arms or own ones, else the session's."""
    if spec.arms_are_models:
        return spec.arms
    return spec.get("models") or settings.models


def _has_parameters(definition: Any) -> bool:
    return next(definition.iter_markers("parametrize"), None) is not None


def _place(node: Any) -> str:
    code = getattr(inspect.unwrap(node.function), "__code__", None)
    return str(node.nodeid) if code is None else f"{node.nodeid} (line {code.co_firstlineno})"


def _check_stranger(info: FixtureInfo, function: Any) -> None:
    """A test that is no hypothesis must not get placeholders and pass."""
    for name in ours_in(info):
        if is_given(function):
            raise UsageError(
                f"a property test (@given) asks for our fixture {name!r}",
                fix="write a hypothesis (without @given) and give the strategy as cases=",
            )
        raise UsageError(
            f"the test asks for our fixture {name!r} but is no hypothesis",
            fix="mark it: @pytest.mark.hypothesis(rate >= 0.5)",
        )


def _check_shape(node: Any) -> None:
    if getattr(node, "cls", None) is not None:
        import unittest

        if issubclass(node.cls, unittest.TestCase):
            raise UsageError(
                "a unittest.TestCase method cannot be a hypothesis: it would run once",
                fix="move it to a plain class or function",
            )


def _check_fixtures(info: FixtureInfo, spec: Spec, settings: Settings) -> None:
    reasons = forbidden_fixtures()
    for name in info.names_closure:
        if name in reasons:
            raise UsageError(
                f"the fixture {name!r} cannot serve a hypothesis: {reasons[name]}", fix=_FORBIDDEN_FIX
            )
    for name, definitions in info.name2fixturedefs.items():
        last = definitions[-1]
        if is_ours(info, name):
            continue
        for argument in set(PER_TRIAL).intersection(last.argnames):
            if is_ours(info, argument):
                raise UsageError(
                    f"your fixture {name!r} builds on {argument!r}, which differs from trial to trial",
                    fix=f"take {argument!r} as an argument of the test and call a helper function with it",
                )
    has_cases = spec.get("cases") is not None
    if "case" in info.argnames and not is_ours(info, "case") and has_cases:
        raise UsageError("a fixture or parameter named 'case' hides ours", fix="rename it, or use velo.case")
    if "case" in ours_in(info) and not has_cases:
        raise UsageError(
            "the body asks for `case` but the mark has no cases", fix='cases=[...] or cases="file.jsonl"'
        )
    _check_arms(info, spec)
    _check_models(info, spec, settings)


def _check_chosen(item: pytest.Function, spec: Spec, settings: Settings) -> None:
    """See that the model an item was made for is one of its claim: a claim of `pytest.param` comes late."""
    own, asking = spec.get("models"), asking_in(fixture_info(item))
    params = item.callspec.params if hasattr(item, "callspec") else {}
    chosen = next((params[name] for name in asking if name in params), None)
    one_is_enough = spec.arms_are_models or len(model_ids(spec, settings)) <= 1
    if asking and not (one_is_enough if chosen is None else own is None or chosen in own):
        raise UsageError(
            "the item was not made for the models of its claim: the claim of a parameter can name only one",
            fix="name one model in the mark of pytest.param, or models= in the mark of the function",
        )


_FORBIDDEN_FIX = "return or assert on values inside the body; write a plain test for what prints or warns"


def _check_arms(info: FixtureInfo, spec: Spec) -> None:
    uses = ours_in(info)
    if "arm" in uses and not spec.arms:
        raise UsageError("the body asks for `arm` but the mark has no arms", fix='arms=("plain", "hinted")')
    if spec.arms and not {"arm", "velo", *(["model"] if spec.arms_are_models else [])}.intersection(uses):
        asked = "model" if spec.arms_are_models else "arm"
        raise UsageError(
            f"the arms cannot differ: the body does not ask for `{asked}`",
            fix=f"take `{asked}` as an argument of the test",
        )


def _check_models(info: FixtureInfo, spec: Spec, settings: Settings) -> None:
    ids = model_ids(spec, settings)
    uses = ours_in(info)
    if "model" in uses and not ids:
        raise UsageError(
            "no model is named",
            fix='models=["local/smollm2-135m"] in the mark, or --velo-model=local/smollm2-135m',
        )
    if "judge" in uses and not (spec.get("judge") or settings.judge):
        raise UsageError(
            "no judge is named", fix='judge="openai/gpt-5-mini" in the mark, or --velo-judge=...'
        )
    from pytest_velo.providers.registry import resolve

    judge = spec.get("judge") or settings.judge
    for model_id in (*ids, *([judge] if judge else [])):
        resolve(model_id, settings.endpoints)


def before_collection(collector: Any, name: str, obj: Any) -> None:
    """Look at one name of a test module before pytest makes items of it.

    A marked lambda is no test for pytest: the mark swallows it. And anyio's auto mode would make two items
    of a hypothesis, one per event loop, which is two bills.

    Raises:
        CollectError: A lambda was marked.
    """
    if isinstance(obj, pytest.MarkDecorator):
        if obj.name == MARK and collector.funcnamefilter(name) and any(map(inspect.isfunction, obj.args)):
            raise pytest.Collector.CollectError(
                f"{collector.nodeid}::{name}: a lambda cannot be a hypothesis"
            )
        return
    marks = obj.pytestmark
    if isinstance(marks, list) and any(mark.name == MARK and mark.args for mark in marks):
        obj.pytestmark = [
            mark for mark in marks if not (mark.name == "usefixtures" and mark.args == ("anyio_backend",))
        ]


# ---


def hide_defaults(items: Iterable[pytest.Item]) -> None:
    """Take our mark from tests that are no hypotheses, which have it of their module or class.

    Else `-m velo` would run them, and worse, `-m "not velo"` would leave them out.

    Args:
        items: When hypotheses have been prepared.
    """
    for item in items:
        if SPEC not in item.stash and item.get_closest_marker(DEFAULTS_MARK) is not None:
            item.iter_markers = _others(item.iter_markers)  # type: ignore[method-assign]


def _others(every: Callable[[str | None], Iterator[pytest.Mark]]) -> Callable[..., Iterator[pytest.Mark]]:
    def iter_markers(name: str | None = None) -> Iterator[pytest.Mark]:
        return (mark for mark in every(name) if mark.name != DEFAULTS_MARK)

    return iter_markers
