"""Hypotheses for the benchmarks: the runner, the sampler and the store as pytest drives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from pytest_velo import rate
from pytest_velo.bodies.shape import read_body
from pytest_velo.cache.store import Store
from pytest_velo.case_sets import pick_order
from pytest_velo.errors import VeloError
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.providers.registry import resolve
from pytest_velo.runner.frame import Frame
from pytest_velo.runner.hypothesis import Body, Hypothesis
from pytest_velo.runner.run import Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.model import AsyncModel
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Api, Endpoint, Mode, Settings
from pytest_velo.stats.engine.design import Design

MODEL_ID = "loopback/loopback-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What sampling one hypothesis took: trials of the prefix, their draws, and draws beyond them."""

    n_trials: int
    n_draws: int
    n_beyond: int
    n_retries: int


def settings_for(
    folder: Path,
    base_url: str,
    mode: Mode,
    *,
    n_in_flight: int,
    api: Api = Api.OPENAI_CHAT,
    timeout_s: float = 120.0,
) -> Settings:
    """Return settings with one free endpoint, the loopback server."""
    endpoint = Endpoint(
        name="loopback",
        api=api,
        base_url=base_url,
        weights="bench",
        free=True,
        declared=True,
        timeout_s=timeout_s,
    )
    return Settings(
        mode=mode, cache_dir=folder, concurrency=n_in_flight, endpoints=(endpoint,), budget_usd=None
    )


def run_hypothesis(settings: Settings, make_body: Callable[[AsyncModel], Body], n_trials: int) -> Sampled:
    """Sample one hypothesis to exactly `n_trials` trials, and close everything as a session does."""
    sampled = _sample(settings, make_body, n_trials, min_trials=n_trials)
    if sampled.n_trials != n_trials:
        raise VeloError(f"the benchmark ran {sampled.n_trials} trials, not {n_trials}")
    return sampled


def run_to_verdict(settings: Settings, make_body: Callable[[AsyncModel], Body], max_trials: int) -> Sampled:
    """Sample one hypothesis until its verdict comes."""
    return _sample(settings, make_body, max_trials, min_trials=1)


def _sample(
    settings: Settings, make_body: Callable[[AsyncModel], Body], max_trials: int, *, min_trials: int
) -> Sampled:
    loop, store = SampleLoop(), Store.open(settings.cache_dir / "draws.sqlite")
    sampler = Sampler(settings, store=store)
    loop.on_close(sampler.aclose)
    target = resolve(MODEL_ID, settings.endpoints)
    body: Any = make_body(AsyncModel(target))
    hypothesis = hypothesis_of(body, target.id, settings, max_trials=max_trials, min_trials=min_trials)
    try:
        run = Run(hypothesis, sampler, loop)
        loop.run(run.go())
    finally:
        loop.close()
        store.close()
    if run.error is not None:
        raise run.error
    n_draws, stats = sum(len(trial.calls) for trial in run.trials), sampler.stats()
    return Sampled(
        n_trials=len(run.trials),
        n_draws=n_draws,
        n_beyond=stats.n_calls + stats.n_cached - n_draws,
        n_retries=stats.n_retries,
    )


def hypothesis_of(
    body: Any,
    model_id: str,
    settings: Settings,
    *,
    max_trials: int,
    min_trials: int = 1,
    threshold: float = 0.5,
    name: str = "bench",
    extend: bool = True,
) -> Hypothesis:
    """Return `rate >= threshold` of an async body that takes no fixtures, as pytest's side would build it.

    With `extend` the boundary is Ville's: calibrating to a horizon is no cost of a trial.
    """
    claim = rate >= threshold
    plan = pick_order(None, "cases", seed=settings.seed)
    return Hypothesis(
        node_id=f"bench.py::test_{name}",
        belief="bench",
        claim=claim,
        frame=Frame(
            design=Design(alpha=0.05, beta=0.05, max_units=max_trials, min_units=min_trials, extend=extend),
            trials=lambda: takewhile(lambda t: t.unit < max_trials, plan),
            max_trials=max_trials,
        ),
        stream="",
        seed=settings.seed,
        model=model_id,
        limit=settings.concurrency,
        set_digest="",
        body_digest="",
        body=body,
        is_async=True,
        outcomes=HostOutcomes(read_body(body), claim),
        may_pay=True,
    )
