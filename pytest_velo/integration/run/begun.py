"""What pytest-xdist's controller is told of a hypothesis before it is sampled, should its worker crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.integration.collect.models import model_id
from pytest_velo.integration.collect.stash import FRAME, SPEC
from pytest_velo.integration.config.rerun import rerun_line
from pytest_velo.integration.run.hypothesis import belief_of
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.settings import Settings


def begun(item: pytest.Function, settings: Settings) -> HypothesisResult:
    """Return the result of an item that ends as an error, with nothing known of its trials."""
    spec = item.stash[SPEC]
    frame = item.stash.get(FRAME, None)  # cases of a strategy are drawn later
    alpha, beta = spec.levels(settings)
    return HypothesisResult(
        node_id=item.nodeid,
        belief=belief_of(item),
        claim=str(spec.claim),
        scope="" if frame is None else frame.scope,
        outcome=Outcome.ERROR,
        model=model_id(item, settings),
        alpha=alpha if frame is None else frame.design.alpha,
        beta=beta if frame is None else frame.design.beta,
        margin=spec.get("margin", 0.0),
        max_trials=spec.get("max_trials", settings.max_trials),
        seed=settings.seed,
        cost_usd=None,
        n_retries=None,
        notices=("its trials are lost with its worker; draws that were made are in the cache",),
        rerun=rerun_line(item, settings),
    )


def crashed(result: HypothesisResult, what: str) -> HypothesisResult:
    """Return such a result with what happened, and what to do."""
    return replace(result, problem=f"{what}\n  fix: run it alone: {result.rerun} -n 0")
