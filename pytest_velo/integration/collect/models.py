"""Which models an item uses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_velo.integration.collect.fixture_names import asking_in, is_ours
from pytest_velo.integration.collect.marks import Spec
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.names import CLIENTS
from pytest_velo.settings import Settings


def model_ids(spec: Spec, settings: Settings) -> Sequence[str]:
    """Return the ids of a hypothesis's models: its arms or its own, else the session's."""
    if spec.arms_are_models:
        return spec.arms
    return spec.get("models") or settings.models


def judge_id(spec: Spec, settings: Settings) -> str | None:
    """Return the id of a hypothesis's judge: the mark's, else the session's."""
    return spec.get("judge") or settings.judge


def chosen_model(item: pytest.Item) -> str | None:
    """Return the id an item was made for, if its function has one item per model."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    chosen = next((params[name] for name in asking_in(fixture_info(item)) if name in params), None)
    return chosen if isinstance(chosen, str) else None


def model_id(item: pytest.Item, settings: Settings) -> str | None:
    """Return the id of the item's model, `a/x and b/y` if models are the arms; None if its body uses none."""
    spec = item.stash[SPEC]
    if spec.arms_are_models:
        return " and ".join(spec.arms)
    if not any(is_ours(fixture_info(item), name) for name in ("model", "velo", *CLIENTS)):
        return None
    ids = model_ids(spec, settings)
    return chosen_model(item) or (ids[0] if ids else None)
