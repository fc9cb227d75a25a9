"""Which model an item was made for."""

from __future__ import annotations

import pytest

from pytest_velo.designing.models import model_label
from pytest_velo.integration.collect.fixture_names import asking_in, is_ours
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.names import OURS
from pytest_velo.settings import Settings


def chosen_model(item: pytest.Item) -> str | None:
    """Return the id an item was made for, if its function has one item per model."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    chosen = next((params[name] for name in asking_in(fixture_info(item)) if name in params), None)
    return chosen if isinstance(chosen, str) else None


def model_id(item: pytest.Item, settings: Settings) -> str | None:
    """Return the id of the item's model, `a/x and b/y` if models are the arms; None if its body uses none."""
    info = fixture_info(item)
    uses = [name for name in OURS if is_ours(info, name)]
    return model_label(item.stash[SPEC], settings, uses, chosen_model(item))
