"""From test functions to checked items, one for each model, with everything known before a call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from pytest_velo.designing.models import model_ids
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.integration.collect.assumptions import link
from pytest_velo.integration.collect.fixture_names import asking_in
from pytest_velo.integration.collect.reach import check_reach, power_warning
from pytest_velo.integration.collect.stash import FACTS, FUNCTION, SPEC
from pytest_velo.integration.collect.update import check_update
from pytest_velo.integration.collect.validate import check_chosen, check_function, place_of, warnings_of
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.names import DEFAULTS_MARK, MARK, WARNS
from pytest_velo.integration.session import VeloSession
from pytest_velo.settings import Settings

_MOST_TOLD = 20
"""How many different mistakes are told at once."""
_WRONG: pytest.StashKey[list[UsageError]] = pytest.StashKey()
"""The mistakes in the functions of a module or a class."""


def generate(metafunc: pytest.Metafunc, settings: Settings) -> None:
    """Check one test function and give it one item per model; a mistake waits for `tell_mistakes`."""
    definition = metafunc.definition
    has_parameters = next(definition.iter_markers("parametrize"), None) is not None
    try:
        checked = check_function(definition, settings, may_be_later=has_parameters)
    except UsageError as error:
        collector: Any = definition.parent
        collector.stash.setdefault(_WRONG, []).append(error)
        return
    spec = None if checked is None else checked[0]
    ids = settings.models if spec is None else model_ids(spec, settings)
    asking = asking_in(fixture_info(definition))
    if len(ids) > 1 and asking and not (spec is not None and spec.arms_are_models):
        metafunc.parametrize(asking[0], ids, ids=ids, indirect=True)


def tell_mistakes(collector: Any, report: pytest.CollectReport) -> None:
    """Make an error of a module or a class with mistakes, which tells them all; nothing of it runs."""
    alike: dict[tuple[str, str], list[UsageError]] = {}
    for error in collector.stash.get(_WRONG, ()):
        alike.setdefault((error.what, error.fix), []).append(error)
    if not alike:
        return
    told = str(_told([_with_more(first, len(others)) for first, *others in alike.values()]))
    if report.failed:  # something else is wrong as well
        report.sections.append(("hypotheses", told))
    else:
        report.outcome, report.longrepr, report.result = "failed", told, []


def prepare_all(items: Iterable[pytest.Function], session: VeloSession) -> None:
    """Prepare all hypotheses, and refuse what they may not do together.

    Raises:
        pytest.UsageError: As in `prepare` and `check_update`.
    """
    try:
        ours = prepare(items, session)
        check_update(ours, session)
        link(ours, session)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def prepare(items: Iterable[pytest.Function], session: VeloSession) -> list[pytest.Function]:
    """Give hypotheses their spec and the mark `velo`, check their design, and return them.

    Raises:
        UsageError: With the place filled in; of several mistakes in designs it tells all.
    """
    ours = []
    wrong: dict[tuple[str, str, str], list[tuple[pytest.Function, UsageError]]] = {}
    for item in items:
        checked = check_function(item, session.settings)
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
            wrong.setdefault((error.where, error.what, error.fix), []).append((item, error))
    if wrong:
        raise _together([*wrong.values()])
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


def _together(wrong: Sequence[Sequence[tuple[pytest.Function, UsageError]]]) -> VeloError:
    """Return one mistake that tells of several, of each kind at the first place where it was made."""
    told = []
    for (item, error), *others in wrong:
        told.append(error.within(_and_more(place_of(item), len(others))))
    return _told(told)


def _with_more(error: UsageError, n_others: int) -> UsageError:
    return UsageError(error.what, where=_and_more(error.where, n_others), fix=error.fix)


def _and_more(place: str, n_others: int) -> str:
    return f"{place}, and {n_others:,} more" if n_others else place


def _told(errors: Sequence[VeloError]) -> VeloError:
    """Return one mistake that tells of several."""
    if len(errors) == 1:
        return errors[0]
    unsaid = len(errors) - _MOST_TOLD
    return UsageError(
        "\n".join(map(str, errors[:_MOST_TOLD])) + (f"\nand {unsaid:,} more" if unsaid > 0 else "")
    )


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
        if SPEC not in item.stash and item.get_closest_marker(DEFAULTS_MARK) is not None:
            item.iter_markers = _others(item.iter_markers)  # type: ignore[method-assign]


def _others(every: Callable[[str | None], Iterator[pytest.Mark]]) -> Callable[..., Iterator[pytest.Mark]]:
    def iter_markers(name: str | None = None) -> Iterator[pytest.Mark]:
        return (mark for mark in every(name) if mark.name != DEFAULTS_MARK)

    return iter_markers
