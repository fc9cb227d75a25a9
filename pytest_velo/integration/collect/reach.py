"""Whether an item's design can reach a verdict; one that cannot is refused before a call is made."""

from __future__ import annotations

import pytest

from pytest_velo.case_sets import is_strategy
from pytest_velo.designing import reach
from pytest_velo.designing.power import check_expected, low_power
from pytest_velo.integration.collect.frame import case_set, frame_of
from pytest_velo.integration.collect.ladders import check_ladder, least_share, stand_on, steps_of
from pytest_velo.integration.collect.stash import CASES, SPEC, STEP
from pytest_velo.settings import Settings


def check_reach(item: pytest.Item, settings: Settings) -> None:
    """Check the cases, the design, and whether a verdict is in reach.

    Strategies are drawn, and checked, only when the item runs: the Hypothesis library is slow to import.

    Raises:
        UsageError: The cases or the design are at fault, or `supported` is unreachable.
    """
    spec, steps = item.stash[SPEC], steps_of(item)
    if steps and STEP not in item.stash:
        stand_on(item, steps[0])
    if _is_undrawn(item):
        return
    check_ladder(item, settings)
    with least_share(item):
        frame = frame_of(item, settings)
        reach.check_reach(spec.claim, frame)
        check_expected(spec.claim, frame, spec.get("expect"))


def power_warning(item: pytest.Item, settings: Settings) -> str | None:
    """Return a warning if the power of a checked item is low; None also for cases that are not drawn yet.

    To compute it may take a while, so it is asked only of what will run.
    """
    if _is_undrawn(item):
        return None
    spec = item.stash[SPEC]
    with least_share(item):
        warning = low_power(spec.claim, frame_of(item, settings), spec.get("expect"))
    return None if warning is None else f"{item.nodeid}: {warning}"


def check_drawn(item: pytest.Item, settings: Settings) -> None:
    """Draw the cases of a strategy and check the design; does nothing for other sources.

    Raises:
        UsageError: As in `check_reach`, before any call.
    """
    if is_strategy(item.stash[SPEC].get("cases")):
        case_set(item, settings)
        check_reach(item, settings)
        warning = power_warning(item, settings)
        if warning is not None:
            item.warn(pytest.PytestWarning(warning))


def _is_undrawn(item: pytest.Item) -> bool:
    return is_strategy(item.stash[SPEC].get("cases")) and CASES not in item.stash
