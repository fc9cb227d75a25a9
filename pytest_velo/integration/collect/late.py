"""Marks that come after collection has read them: taken in while that is possible, refused afterwards.

A conftest may mark items in its `pytest_collection_modifyitems`, a fixture or a later hook may call
`add_marker`. A hypothesis that nobody noticed would run once, like any test, and pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.items import prepare_all
from pytest_velo.integration.collect.marks import has_claim, read_spec
from pytest_velo.integration.collect.mistakes import mistake_of
from pytest_velo.integration.collect.stash import CASES, FRAME, FUNCTION, SPEC
from pytest_velo.integration.compat import mark_expression_holds
from pytest_velo.integration.names import DEFAULTS_MARK, FAMILIES_PLUGIN
from pytest_velo.integration.session import VeloSession

_FIX = "put the mark on the test, or add it in pytest_collection_modifyitems"


def take_in_late(items: Iterable[pytest.Item], session: VeloSession) -> None:
    """Prepare the items whose marks other plugins added or changed while they modified the items.

    Raises:
        pytest.UsageError: It is too late for one of them, or as in `prepare_all`.
    """
    late: list[pytest.Function] = []
    try:
        for item in items:
            if not isinstance(item, pytest.Function):
                _refuse_other(item)
            elif (SPEC in item.stash or mistake_of(item) is None) and _is_late(item):
                _check_late(item)
                late.append(item)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    for item in late:
        item.__dict__.pop("iter_markers", None)  # it hid the defaults of a test that was no hypothesis
        read: tuple[pytest.StashKey[Any], ...] = (SPEC, CASES, FRAME)
        for key in read:
            if key in item.stash:
                del item.stash[key]
    if late:
        prepare_all(late, session)


def late_problem(item: pytest.Item) -> UsageError | None:
    """Return the error of an item whose marks are not those that were read; None if all is well."""
    if not isinstance(item, pytest.Function) or mistake_of(item) is not None:
        return None  # refused at collection, or skipped
    try:
        if not _is_late(item):
            return None
    except UsageError as error:
        return error
    what = "its defaults (`velo`)" if SPEC in item.stash else "its claim (`hypothesis`)"
    return UsageError(
        f"{what} came after collection, so it was not honoured",
        where=item.nodeid,
        fix=_FIX,
    )


def _is_late(item: pytest.Function) -> bool:
    """Tell whether the marks say something else now than what was read."""
    try:
        spec = read_spec(item, item.stash.get(FUNCTION, item.function))
    except UsageError as error:
        raise error.within(item.nodeid) from None
    return spec is not item.stash.get(SPEC, None)  # specs are shared: the same marks, the same object


def _check_late(item: pytest.Function) -> None:
    config = item.config
    if config.pluginmanager.has_plugin(FAMILIES_PLUGIN):
        raise UsageError(
            "its marks came after the members of its family were counted",
            where=item.nodeid,
            fix="put the mark on the test; or use --velo-multiplicity=none",
        )
    expression = config.getoption("markexpr", "")
    names = {DEFAULTS_MARK, *(mark.name for mark in item.iter_markers())}
    if SPEC not in item.stash and expression and not mark_expression_holds(expression, names):
        raise UsageError(
            f"its mark came after `-m {expression}` had been applied, which leaves hypotheses out",
            where=item.nodeid,
            fix="put the mark on the test",
        )


def _refuse_other(item: pytest.Item) -> None:
    if has_claim(item):
        raise UsageError(
            f"a {type(item).__name__} cannot be a hypothesis: only a test function can",
            where=item.nodeid,
            fix="mark test functions only",
        )
