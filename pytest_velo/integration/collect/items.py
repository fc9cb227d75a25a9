"""From test functions to checked items, one for each model, with everything known before a call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from pytest_velo.designing.models import model_ids
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.assumptions import link
from pytest_velo.integration.collect.fixture_names import asking_in
from pytest_velo.integration.collect.marks import has_claim, read_spec
from pytest_velo.integration.collect.mistakes import forget, keep, keep_of_function, mistake_of, of_function
from pytest_velo.integration.collect.reach import check_reach, power_warning
from pytest_velo.integration.collect.stash import FACTS, FUNCTION, SPEC
from pytest_velo.integration.collect.update import check_update
from pytest_velo.integration.collect.validate import check_chosen, check_function, place_of, warnings_of
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.names import DEFAULTS_MARK, MARK, WARNS
from pytest_velo.integration.session import VeloSession
from pytest_velo.settings import Settings


def generate(metafunc: pytest.Metafunc, settings: Settings) -> None:
    """Check one test function and give it one item per model; a mistake is kept."""
    definition = metafunc.definition
    has_parameters = next(definition.iter_markers("parametrize"), None) is not None
    spec = None
    try:
        spec = read_spec(definition, definition.function)
        check_function(definition, settings, may_be_later=has_parameters)
    except UsageError as error:
        keep_of_function(definition, error.at(place_of(definition)))
    ids = settings.models if spec is None else model_ids(spec, settings)
    asking = asking_in(fixture_info(definition))
    if len(ids) > 1 and asking and not (spec is not None and spec.arms_are_models):
        metafunc.parametrize(asking[0], ids, ids=ids, indirect=True)


def prepare_all(items: Iterable[pytest.Function], session: VeloSession) -> None:
    """Prepare all hypotheses; a mistake is kept, for `mistakes.refuse`.

    Raises:
        pytest.UsageError: The cassettes beside a test cannot be read.
    """
    try:
        ours = prepare(items, session)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    for item in ours:
        try:
            check_update(item, session)
        except UsageError as error:
            keep(item, error)
    link(ours, session)


def prepare(items: Iterable[pytest.Function], session: VeloSession) -> list[pytest.Function]:
    """Give hypotheses their spec and the mark `velo`, check their design, and return them."""
    ours = []
    for item in items:
        forget(item)
        try:
            if (mistake := of_function(item)) is not None:
                raise mistake
            checked = check_function(item, session.settings)
        except UsageError as error:
            keep(item, error)
            if has_claim(item):
                item.add_marker(DEFAULTS_MARK)  # `-m velo` selects it
            continue
        if checked is None:
            continue
        ours.append(item)
        item.stash[SPEC], item.stash[FACTS] = checked
        item.stash[FUNCTION] = item.function
        item.add_marker(DEFAULTS_MARK)
        _hide_from_anyio(item)
        session.add_cassettes(item.path)
        try:
            check_chosen(item, item.stash[SPEC], session.settings)
            check_reach(item, session.settings_of(item))
        except UsageError as error:
            keep(item, error, place_of(item))
    return ours


def warn_of(items: Iterable[pytest.Item], session: VeloSession) -> None:
    """Warn of what may be wrong with the hypotheses that were selected to run."""
    for item in items:
        if _warns(item.config) and SPEC in item.stash and item.get_closest_marker("skip") is None:
            for told in (power_warning(item, session.settings_of(item)), *warnings_of(item)):
                if told is not None:
                    item.warn(pytest.PytestWarning(told))


def _warns(config: pytest.Config) -> bool:
    """Tell whether this process warns of what is wrong with tests: of several workers, one does."""
    return bool(getattr(config, "workerinput", {}).get(WARNS, True))


def _hide_from_anyio(item: pytest.Function) -> None:
    """Keep our item: anyio would remake it, one per event loop and without our stash."""
    closest = item.get_closest_marker
    if closest("anyio") is not None:

        def others(name: str, default: Any = None) -> Any:
            return default if name == "anyio" else closest(name, default)

        item.get_closest_marker = others  # type: ignore[method-assign]


def before_collection(collector: Any, name: str, obj: Any) -> None:
    """Look at one name of a test module before pytest makes items of it.

    Raises:
        CollectError: A lambda was marked.
    """
    # Pytest does not collect a marked lambda: the mark swallows it.
    if isinstance(obj, pytest.MarkDecorator):
        if obj.name == MARK and collector.funcnamefilter(name) and any(map(inspect.isfunction, obj.args)):
            raise pytest.Collector.CollectError(
                f"{collector.nodeid}::{name}: a lambda cannot be a hypothesis"
            )
        return
    _tell_uncollected(collector, name, obj)
    # Anyio's auto mode would make two items of a hypothesis, one per event loop: that is two bills.
    marks = obj.pytestmark
    if isinstance(marks, list) and any(mark.name == MARK and mark.args for mark in marks):
        obj.pytestmark = [
            mark for mark in marks if not (mark.name == "usefixtures" and mark.args == ("anyio_backend",))
        ]


def _tell_uncollected(collector: Any, name: str, obj: Any) -> None:
    """Warn of a marked function that no name of its module or class lets pytest collect."""
    if not inspect.isfunction(obj) or collector.funcnamefilter(name):
        return
    claims = (mark for mark in obj.pytestmark if mark.name == MARK and mark.args)  # type: ignore[attr-defined]
    names = (other for other, value in vars(collector.obj).items() if value is obj)
    unnamed = next(claims, None) is not None and not any(map(collector.funcnamefilter, names))
    if unnamed and _warns(collector.config):
        collector.warn(
            pytest.PytestCollectionWarning(
                f"{name} is marked as a hypothesis, but pytest does not collect it: name it test_{name}"
            )
        )


def hide_defaults(items: Iterable[pytest.Item]) -> None:
    """Hide our mark on tests that only inherit it from their module or class and are not hypotheses."""
    # Otherwise `-m velo` would run them and, worse, `-m "not velo"` would leave them out.
    for item in items:
        plain = SPEC not in item.stash and mistake_of(item) is None
        if plain and item.get_closest_marker(DEFAULTS_MARK) is not None:
            item.iter_markers = _others(item.iter_markers)  # type: ignore[method-assign]


def _others(every: Callable[[str | None], Iterator[pytest.Mark]]) -> Callable[..., Iterator[pytest.Mark]]:
    def iter_markers(name: str | None = None) -> Iterator[pytest.Mark]:
        return (mark for mark in every(name) if mark.name != DEFAULTS_MARK)

    return iter_markers
