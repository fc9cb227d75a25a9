"""What a trial of an item costs, as far as that is known without a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_velo.designing.models import judge_id, model_ids
from pytest_velo.designing.parameters import CLIENTS
from pytest_velo.integration.collect.fixture_names import is_ours
from pytest_velo.integration.collect.models import chosen_model
from pytest_velo.integration.collect.stash import SPEC, STEP
from pytest_velo.integration.compat import fixture_info
from pytest_velo.providers.registry import resolve
from pytest_velo.records import rung_id
from pytest_velo.report.plan_record import TrialPrice

if TYPE_CHECKING:
    from pytest_velo.cache.looks import LastSeen
    from pytest_velo.integration.session import VeloSession

_ASKING = ("model", "judge", "velo", "strategy", *CLIENTS)


def price_of(item: pytest.Item, session: VeloSession) -> TrialPrice:
    """Return calls and dollars of a trial: as in the item's last run, else by its models' prices.

    Dollars are 0 if every model the body can use is free, and None if unknown.

    Raises:
        UsageError: One of its models cannot be used here.
    """
    info = fixture_info(item)
    asked = [name for name in _ASKING if is_ours(info, name) and name in info.names_closure]
    if not asked:
        return TrialPrice(calls=0.0, usd=0.0, known_from="its body uses no model")
    free = _is_free(item, session)
    seen = last_seen(item, session)
    if seen is not None:
        usd = 0.0 if free else seen.usd_per_trial
        return TrialPrice(calls=seen.calls_per_trial, usd=usd, known_from="the mean of its last run")
    return TrialPrice(calls=None, usd=0.0 if free else None, known_from="known after its first run")


def asks_a_model(item: pytest.Item) -> bool:
    """Tell whether the body has a fixture of ours that makes calls."""
    info = fixture_info(item)
    return any(is_ours(info, name) for name in _ASKING)


def _is_free(item: pytest.Item, session: VeloSession) -> bool:
    """Tell whether every model the item can use is free; `velo` can use any."""
    info, spec, settings = fixture_info(item), item.stash[SPEC], session.settings
    if is_ours(info, "velo"):
        return False
    judge = judge_id(spec, settings) if is_ours(info, "judge") else None
    ids = [*model_ids(spec, settings), *([judge] if judge else [])]
    if (chosen := chosen_model(item)) is not None:
        ids = [chosen, *([judge] if judge else [])]
    if (step := item.stash.get(STEP, None)) is not None:
        ids += [*step.rung.other_models, *((judge_id(spec, settings) or "",) if step.rung.judges() else ())]
    return all(resolve(name, settings.endpoints).endpoint.free for name in ids)


def last_seen(item: pytest.Item, session: VeloSession) -> LastSeen | None:
    """Return what a trial took in the item's last run; None if it has never run."""
    step = item.stash.get(STEP, None)
    name = rung_id(item.nodeid, "" if step is None else step.rung.name)
    return None if session.stored is None else session.stored.last_seen(name)
