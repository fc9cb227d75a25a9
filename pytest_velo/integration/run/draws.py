"""Which draws an item gets: its stream's own, those of a confirmation, or of a repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_velo.designing.afresh import confirmed_afresh
from pytest_velo.integration.collect.frame import case_set
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.names import REPEAT_PLUGIN
from pytest_velo.integration.session import VeloSession
from pytest_velo.runner.confirming import Confirming
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.settings import Mode

if TYPE_CHECKING:
    from pytest_velo.integration.repeating.repeated import Repeating


def confirming_of(
    item: pytest.Item, session: VeloSession, hypothesis: Hypothesis, *, writes: bool = True
) -> Confirming | None:
    """Freeze an item's claim, and return it on fresh draws; None outside of the profile `confirm`.

    Where nothing is drawn, nothing is written: the claim is frozen when it is about to be sampled.

    Raises:
        UsageError, StoreError: As in `confirming`.
    """
    settings = session.settings
    if settings.profile != "confirm":
        return None
    writes = writes and settings.mode in (Mode.AUTO, Mode.REFRESH)
    log = session.store if writes else session.stored
    cases = case_set(item, settings)
    return confirmed_afresh(log, hypothesis, item.stash[SPEC], cases, settings, writes=writes)


def repeating_of(item: pytest.Item) -> Repeating | None:
    """Return what repeats a recorded run; None outside of a repeat."""
    plugin: Repeating | None = item.config.pluginmanager.get_plugin(REPEAT_PLUGIN)
    return plugin


def on_its_draws(item: pytest.Item, session: VeloSession, hypothesis: Hypothesis) -> Hypothesis:
    """Return an item's hypothesis on the draws that it would have; nothing is written.

    Raises:
        UsageError: As in `confirming`, and in `Repeating.hypothesis`.
    """
    repeating = repeating_of(item)
    if repeating is not None:
        return repeating.hypothesis(item, hypothesis)
    found = confirming_of(item, session, hypothesis, writes=False)
    return hypothesis if found is None else found.hypothesis
