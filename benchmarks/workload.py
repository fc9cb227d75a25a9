"""Hypotheses for the benchmarks: the runner, the sampler and the store as pytest drives them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

from pytest_velo import rate
from pytest_velo.cache.store import Store
from pytest_velo.case_sets import pick_order
from pytest_velo.checks.bodies import read_body
from pytest_velo.errors import VeloError
from pytest_velo.integration.outcomes import HostOutcomes
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.runner.hypothesis import Body, Hypothesis, Invalid
from pytest_velo.runner.run import Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.model import AsyncModel
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Api, Endpoint, Mode, Settings

MODEL_ID = "loopback/loopback-1"


def settings_for(folder: Path, base_url: str, mode: Mode, *, n_in_flight: int) -> Settings:
    """Return settings with one free endpoint, the loopback server."""
    endpoint = Endpoint(
        name="loopback", api=Api.OPENAI_CHAT, base_url=base_url, weights="bench", free=True, declared=True
    )
    return Settings(
        mode=mode, cache_dir=folder, concurrency=n_in_flight, endpoints=(endpoint,), budget_usd=None
    )


def run_hypothesis(settings: Settings, make_body: Callable[[AsyncModel], Body], n_trials: int) -> None:
    """Sample one hypothesis to exactly `n_trials` trials, and close everything as a session does."""
    loop, store = SampleLoop(), Store.open(settings.cache_dir / "draws.sqlite")
    sampler = Sampler(settings, store=store)
    loop.on_close(sampler.aclose)
    target = resolve(MODEL_ID, settings.endpoints)
    try:
        run = Run(_hypothesis(make_body, target, settings, n_trials), sampler, loop)
        loop.run(run.go())
    finally:
        loop.close()
        store.close()
    if run.error is not None:
        raise run.error
    if len(run.trials) != n_trials:
        raise VeloError(f"the benchmark ran {len(run.trials)} trials, not {n_trials}")


def _hypothesis(
    make_body: Callable[[AsyncModel], Body], target: Target, settings: Settings, n_trials: int
) -> Hypothesis:
    body: Any = make_body(AsyncModel(target))
    return Hypothesis(
        node_id="bench.py::test_bench",
        belief="bench",
        claim=rate >= 0.5,
        alpha=0.05,
        beta=0.05,
        margin=0.0,
        max_trials=n_trials,
        min_trials=n_trials,  # no early stop: the cost of a trial is what is measured
        invalid=Invalid.BOUND,
        extend=True,  # Ville's boundary: calibrating to a horizon is no cost of a trial
        stream="",
        seed=settings.seed,
        model=target.id,
        plan=lambda: takewhile(lambda t: t.unit < n_trials, pick_order(None, "cases", seed=settings.seed)),
        max_units=n_trials,
        unit_size=1,
        limit=settings.concurrency,
        scope="this body as it stands",
        set_digest="",
        body_digest="",
        body=body,
        is_async=True,
        outcomes=HostOutcomes(read_body(body), rate >= 0.5),
        may_pay=True,
    )
