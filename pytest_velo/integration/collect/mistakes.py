"""Mistakes in tests: kept until it is known which tests are selected, then told all at once.

What `-k`, `-m`, `--lf`, a node id or a skip mark leaves out stops nothing, as with a test of pytest whose
fixture is missing. What is selected and wrong stops the run before a call is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from pytest_velo.errors import UsageError, VeloError
from pytest_velo.integration.collect.marks import has_claim
from pytest_velo.integration.names import REPEAT, RESCORE_RUN

_MOST_TOLD = 20
"""How many different mistakes are told at once."""
_OF_FUNCTIONS: pytest.StashKey[dict[str, VeloError]] = pytest.StashKey()
"""In the stash of a module or a class: the mistakes in its functions, by their names."""


class _Mistake(NamedTuple):
    """What is wrong with an item, and where if the error itself does not say."""

    error: VeloError
    place: str


_OF_ITEMS: pytest.StashKey[dict[pytest.Function, _Mistake]] = pytest.StashKey()


def keep_of_function(definition: Any, error: VeloError) -> None:
    """Keep a mistake in a function, of which pytest is about to make items."""
    definition.parent.stash.setdefault(_OF_FUNCTIONS, {})[definition.originalname] = error


def of_function(item: pytest.Function) -> VeloError | None:
    """Return the mistake in an item's function; None if there is none."""
    known = {} if item.parent is None else item.parent.stash.get(_OF_FUNCTIONS, {})
    return known.get(item.originalname)


def keep(item: pytest.Function, error: VeloError, place: str = "") -> None:
    """Keep a mistake of one item; the first one counts."""
    item.config.stash.setdefault(_OF_ITEMS, {}).setdefault(item, _Mistake(error, place))


def forget(item: pytest.Function) -> None:
    """Forget the mistake of an item that is looked at again."""
    item.config.stash.get(_OF_ITEMS, {}).pop(item, None)


def mistake_of(item: pytest.Item) -> VeloError | None:
    """Return what is wrong with an item; None if nothing is."""
    known: dict[Any, _Mistake] = item.config.stash.get(_OF_ITEMS, {})
    return known[item].error if item in known else None


def tell_with_report(collector: Any, report: pytest.CollectReport) -> None:
    """Tell the mistakes in a module's or a class's functions now, if pytest would not get to their items.

    That is so if its report failed for another reason, or if a node id has parameters: pytest would say that
    there is no such test.
    """
    errors = collector.stash.get(_OF_FUNCTIONS, {})
    if not errors:
        return
    if report.failed:
        report.sections.append(("hypotheses", str(_alike_once(errors.values()))))
    elif any(f"::{name}[" in argument for name in errors for argument in collector.config.args):
        report.outcome, report.longrepr, report.result = "failed", str(_alike_once(errors.values())), []


def refuse(items: list[pytest.Item], config: pytest.Config) -> None:
    """Tell what is wrong with the items that are left after all selection.

    Mistakes in functions are errors of their modules or classes, as pytest's own are.

    Raises:
        pytest.UsageError: Designs that cannot work, or tests that may not do what they are asked to.
    """
    wrong = dict(_in_the_way(items, config))
    functions: dict[Any, dict[str, VeloError]] = {}
    others: dict[tuple[str, str, str], list[_Mistake]] = {}
    for item, mistake in wrong.items():
        error = mistake.error
        if of_function(item) is error:
            functions.setdefault(item.parent, {})[item.originalname] = error
        else:
            others.setdefault((error.where, error.what, error.fix), []).append(mistake)
    for collector, errors in functions.items():
        told = str(_alike_once(errors.values()))
        report = pytest.CollectReport(collector.nodeid, "failed", told, [])
        collector.ihook.pytest_collectreport(report=report)
    if wrong:
        items[:] = [item for item in items if item not in wrong]
    if others:
        raise pytest.UsageError(str(_together([*others.values()])))


def _in_the_way(
    items: Sequence[pytest.Item], config: pytest.Config
) -> Iterator[tuple[pytest.Function, _Mistake]]:
    """Yield what is wrong with tests that are selected, or would be but for the mistake.

    A test may lack the mark that `-m` asks for, and a wrong mark may hide the models in the name of an item,
    by which a recorded run finds it.
    """
    selected = set(items)
    by_marks = bool(config.getoption("markexpr", ""))
    by_names = bool(config.getoption(RESCORE_RUN, None) or config.getoption(REPEAT, None))
    for item, mistake in config.stash.get(_OF_ITEMS, {}).items():
        missed = (by_marks and not has_claim(item)) or (by_names and of_function(item) is not None)
        if (item in selected or missed) and item.get_closest_marker("skip") is None:
            yield item, mistake


def _alike_once(errors: Iterable[VeloError]) -> VeloError:
    """Return one mistake that tells of those in several functions, and of those that are alike once."""
    alike: dict[tuple[str, str], list[VeloError]] = {}
    for error in errors:
        alike.setdefault((error.what, error.fix), []).append(error)
    return _told(
        [
            UsageError(first.what, where=_and_more(first.where, len(others)), fix=first.fix)
            for first, *others in alike.values()
        ]
    )


def _together(wrong: Sequence[Sequence[_Mistake]]) -> VeloError:
    """Return one mistake that tells of several, of each kind at the first place where it was made."""
    return _told(
        [error.within(_and_more(place, len(others))) if place else error for (error, place), *others in wrong]
    )


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
