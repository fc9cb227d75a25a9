"""Modules that are loaded before sampling starts, on the thread that starts it."""

from __future__ import annotations

from pytest_velo.designing.clients import adopts
from pytest_velo.designing.models import judge_id, model_ids
from pytest_velo.designing.spec import Spec
from pytest_velo.lazy import load
from pytest_velo.providers import registry
from pytest_velo.settings import Settings
from pytest_velo.stats import exact, limits


def load_what_the_loop_needs(spec: Spec, settings: Settings) -> None:
    """Load lazy modules before another thread uses them; `registry.load` explains why."""
    for room in (exact, limits):
        load(room)
    if adopts(spec, settings):
        from pytest_velo.sampling.adopting import (
            install,  # weight: the HTTP libraries, where clients are adopted
        )

        install()
    judge = judge_id(spec, settings)
    for name in (*model_ids(spec, settings), *([] if judge is None else [judge])):
        registry.load(registry.resolve(name, settings.endpoints).endpoint.api)
