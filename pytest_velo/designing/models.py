"""Which models a hypothesis uses."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pytest_velo.claims import Ranking
from pytest_velo.designing.parameters import CLIENTS
from pytest_velo.designing.spec import Spec
from pytest_velo.settings import Settings


def model_ids(spec: Spec, settings: Settings) -> Sequence[str]:
    """Return the ids of a hypothesis's models: its arms or its own, else the session's."""
    if spec.arms_are_models:
        return spec.arms
    if settings.on is not None:
        return (settings.on,)
    return spec.get("models") or settings.models


def judge_id(spec: Spec, settings: Settings) -> str | None:
    """Return the id of a hypothesis's judge: the mark's, else the session's."""
    return spec.get("judge") or settings.judge


def model_label(spec: Spec, settings: Settings, uses: Collection[str], chosen: str | None) -> str | None:
    """Return the id of the model a result is labelled with; None if its body uses none.

    Args:
        spec: What is claimed.
        settings: The session's.
        uses: The parameters that the body takes from us.
        chosen: The model that it is sampled for, if there are several; None otherwise.

    Returns:
        An id, or `a/x and b/y` if models are the arms.
    """
    if spec.arms_are_models and isinstance(spec.claim, Ranking):
        return f"{len(spec.arms)} models"
    if spec.arms_are_models:
        return " and ".join(spec.arms)
    if not any(name in uses for name in ("model", "velo", "strategy", *CLIENTS)):
        return None
    ids = model_ids(spec, settings)
    return chosen or (ids[0] if ids else None)
