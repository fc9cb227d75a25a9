"""Which items are confirmations, by the profile of their session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.designing.afresh import afresh, repeats_cases
from pytest_velo.designing.models import judge_id
from pytest_velo.integration.collect.frame import case_set
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.session import VeloSession
from pytest_velo.runner.confirming import Confirming, confirming, stubs_of
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.settings import Mode


def confirming_of(item: pytest.Item, session: VeloSession, hypothesis: Hypothesis) -> Confirming | None:
    """Freeze an item's claim, and return it on fresh draws; None outside of the profile `confirm`.

    Where nothing is drawn, nothing is written: the claim is frozen when it is about to be sampled.

    Raises:
        UsageError, StoreError: As in `confirming`.
    """
    settings = session.settings
    if settings.profile != "confirm":
        return None
    writes = settings.mode in (Mode.AUTO, Mode.REFRESH)
    spec = item.stash[SPEC]
    found = confirming(
        session.store if writes else session.stored,
        hypothesis,
        judge=judge_id(spec, settings),
        writes=writes,
        stubs=stubs_of(spec),
    )
    fresh = afresh(found.hypothesis, spec, case_set(item, settings))
    return replace(found, hypothesis=fresh, repeats_cases=repeats_cases(hypothesis))
