"""Whether an item's design can reach a verdict; one that cannot is refused before a call is made."""

from __future__ import annotations

import pytest

from pytest_velo.case_sets import is_strategy
from pytest_velo.designing import reach
from pytest_velo.designing.power import low_power
from pytest_velo.designing.spec import Spec
from pytest_velo.integration.collect.frame import case_set, frame_of
from pytest_velo.integration.collect.ladders import check_ladder, least_share, stand_on, steps_of
from pytest_velo.integration.collect.stash import CASES, SPEC, STEP
from pytest_velo.settings import Settings


def check_reach(item: pytest.Item, settings: Settings) -> str | None:
    """Check the cases, the design, and whether a verdict is in reach; return a warning if power is low.

    Strategies are drawn, and checked, only when the item runs: the Hypothesis library is slow to import.

    Raises:
        UsageError: The cases or the design are at fault, or `supported` is unreachable.
    """
    spec, steps = item.stash[SPEC], steps_of(item)
    if steps and STEP not in item.stash:
        stand_on(item, steps[0])
    if is_strategy(spec.get("cases")) and CASES not in item.stash:
        return None
    check_ladder(item, settings)
    with least_share(item):
        return _checked(item, spec, settings)


def _checked(item: pytest.Item, spec: Spec, settings: Settings) -> str | None:
    frame = frame_of(item, settings)
    reach.check_reach(spec.claim, frame)
    expect = spec.get("expect")
    warning = low_power(spec.claim, frame, expect)
    return None if warning is None else f"{item.nodeid}: {warning}"


def check_drawn(item: pytest.Item, settings: Settings) -> None:
    """Draw the cases of a strategy and check the design; does nothing for other sources.

    Raises:
        UsageError: As in `check_reach`, before any call.
    """
    if is_strategy(item.stash[SPEC].get("cases")):
        case_set(item, settings)
        warning = check_reach(item, settings)
        if warning is not None:
            item.warn(pytest.PytestWarning(warning))
