"""Sampling one hypothesis that has the session to itself."""

from __future__ import annotations

from collections.abc import Callable

from pytest_velo.integration.compat import sparing_explanations
from pytest_velo.integration.run.afar import progress_of
from pytest_velo.integration.run.sampling import Sampling
from pytest_velo.integration.session import VeloSession
from pytest_velo.records import HypothesisResult
from pytest_velo.runner.result import explains_asserts


def sample(
    sampling: Sampling, session: VeloSession, *, keep: Callable[[HypothesisResult | None], object]
) -> None:
    """Sample a hypothesis that has the session to itself; `keep` takes its result if that is interrupted."""
    progress = progress_of(sampling.item.config, {sampling.item.nodeid: sampling.run})
    sampling.watch.progress = progress
    before = session.sampler.stats()
    try:
        with sparing_explanations(lambda: explains_asserts(sampling.run, session.settings.show)):
            session.loop.run(sampling.run.go())
    except BaseException:
        sampling.conclude(before, session.sampler.stats())
        keep(sampling.result)
        raise
    finally:
        progress.close()
    sampling.conclude(before, session.sampler.stats())
