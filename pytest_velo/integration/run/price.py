"""What a trial of an item takes, as far as it is known without a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_velo.integration.collect.fixture_names import is_ours
from pytest_velo.integration.collect.models import judge_id, model_ids
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.compat import fixture_info
from pytest_velo.providers.registry import resolve
from pytest_velo.report.plan_record import TrialPrice

if TYPE_CHECKING:
    from pytest_velo.cache.looks import LastSeen
    from pytest_velo.integration.session import VeloSession


def price_of(item: pytest.Item, session: VeloSession) -> TrialPrice:
    """Return what a trial takes: as when the item last ran, else what its models tell.

    Returns:
        Calls, and dollars: 0 where every model that the body can ask is free, None where they are not known.

    Raises:
        UsageError: One of its models cannot be used here.
    """
    info = fixture_info(item)
    asked = [
        name for name in ("model", "judge", "velo") if is_ours(info, name) and name in info.names_closure
    ]
    if not asked:
        return TrialPrice(calls=0.0, usd=0.0, known_from="its body asks for no model")
    free = _is_free(item, session)
    seen = last_seen(item, session)
    if seen is not None:
        usd = 0.0 if free else seen.usd_per_trial
        return TrialPrice(calls=seen.calls_per_trial, usd=usd, known_from="as when it last ran")
    return TrialPrice(calls=None, usd=0.0 if free else None, known_from="known when it has run once")


def asks_a_model(item: pytest.Item) -> bool:
    """Tell whether the body has a fixture of ours that makes calls."""
    info = fixture_info(item)
    return any(is_ours(info, name) for name in ("model", "judge", "velo"))


def _is_free(item: pytest.Item, session: VeloSession) -> bool:
    """Tell whether every model that the item can ask costs nothing; `velo` can ask any."""
    info, spec, settings = fixture_info(item), item.stash[SPEC], session.settings
    if is_ours(info, "velo"):
        return False
    judge = judge_id(spec, settings) if is_ours(info, "judge") else None
    ids = [*model_ids(spec, settings), *([judge] if judge else [])]
    params = getattr(getattr(item, "callspec", None), "params", {})
    if isinstance(chosen := params.get("model"), str):
        ids = [chosen, *([judge] if judge else [])]
    return all(resolve(name, settings.endpoints).endpoint.free for name in ids)


def last_seen(item: pytest.Item, session: VeloSession) -> LastSeen | None:
    """Return what a trial of the item took when it last ran; None when it never did."""
    return None if session.stored is None else session.stored.last_seen(item.nodeid)
