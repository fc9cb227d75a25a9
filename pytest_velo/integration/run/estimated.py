"""What an item would take: alone, or on all the rungs of its ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pytest_velo.designing.tracebacks import from_the_body
from pytest_velo.elicit.ladders import Step
from pytest_velo.errors import NotDrawnError
from pytest_velo.integration.collect.ladders import stand_on
from pytest_velo.integration.collect.stash import FUNCTION
from pytest_velo.integration.run.estimate import estimate_of, run_on_stored
from pytest_velo.integration.session import VeloSession
from pytest_velo.report.estimates import Estimate, in_all
from pytest_velo.runner.run import Run
from pytest_velo.verdicts import Verdict


def estimate_alone(item: pytest.Function, session: VeloSession) -> Estimate:
    """Return what an item would take.

    Raises:
        BaseException: What its body raised on stored draws.
    """
    return _estimated(item, session)[0]


def estimate_climb(item: pytest.Function, session: VeloSession, steps: Sequence[Step]) -> Estimate:
    """Return what a ladder would take at most: all rungs up to the one that stored draws support, if any.

    Raises:
        BaseException: What its body raised on stored draws.
    """
    estimates = []
    for step in steps:
        stand_on(item, step)
        estimate, supported = _estimated(item, session)
        estimates.append(_of_several_calls(estimate, step.rung.n_calls))
        if supported:
            break
    return in_all(estimates)


def _of_several_calls(estimate: Estimate, n_calls: int) -> Estimate:
    """Count the calls that a rung makes for one answer, where no trial was ever seen."""
    if n_calls == 1 or estimate.ends or estimate.calls_per_trial is not None:
        return estimate
    usd = estimate.usd_per_trial
    return replace(
        estimate, calls_per_trial=float(n_calls), usd_per_trial=None if usd is None else n_calls * usd
    )


def _estimated(item: pytest.Function, session: VeloSession) -> tuple[Estimate, bool]:
    run = run_on_stored(item, session)
    if not isinstance(run, Run):
        return run, False
    if run.error is not None and not isinstance(run.error, NotDrawnError):
        raise from_the_body(run.error, item.stash[FUNCTION])
    return estimate_of(item, session, run), run.verdict is Verdict.SUPPORTED
