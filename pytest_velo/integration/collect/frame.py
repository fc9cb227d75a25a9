"""The cases and the sampling frame of an item, each made once."""

from __future__ import annotations

import pytest

from pytest_velo.case_sets import CaseSet, load
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.rungs import frame_on
from pytest_velo.integration.collect.attempts import expected_number
from pytest_velo.integration.collect.families import family_of
from pytest_velo.integration.collect.models import chosen_model
from pytest_velo.integration.collect.stash import CASES, FRAME, SPEC, STEP
from pytest_velo.runner.frame import Frame
from pytest_velo.searching.search import Search
from pytest_velo.settings import Settings


def case_set(item: pytest.Item, settings: Settings) -> CaseSet | None:
    """Return the item's cases, loaded once; None without `cases=`.

    Raises:
        UsageError: The cases cannot be read, or there are none.
    """
    spec = item.stash[SPEC]
    source = spec.get("cases")
    if source is None or isinstance(source, Search):  # a search chooses them while it goes on
        return None
    if CASES not in item.stash:
        max_n = spec.get("max_trials", settings.max_trials)
        item.stash[CASES] = load(source, base=item.path.parent, seed=settings.seed, max_n=max_n)
    return item.stash[CASES]


def frame_of(item: pytest.Item, settings: Settings) -> Frame:
    """Return an item's frame, made once, at the item's share of its family's error rates.

    Raises:
        UsageError: As in `case_set` and `make_frame`.
    """
    if FRAME not in item.stash:
        spec = item.stash[SPEC]
        family = family_of(item, spec, settings)
        attempt = expected_number(item, settings) if spec.counts_attempts else None
        frame = make_frame(spec, case_set(item, settings), settings, family, attempt, chosen_model(item))
        step = item.stash.get(STEP, None)
        item.stash[FRAME] = frame if step is None else frame_on(step, frame)
    return item.stash[FRAME]
