"""Running one item: sample its hypothesis, keep the result, raise what pytest must see."""

from __future__ import annotations

from functools import partial
from typing import NoReturn

import pytest

from pytest_velo.designing.tracebacks import from_the_body
from pytest_velo.errors import WouldPayError
from pytest_velo.integration.collect.ladders import steps_of
from pytest_velo.integration.collect.late import late_problem
from pytest_velo.integration.collect.mistakes import mistake_of
from pytest_velo.integration.collect.stash import ESTIMATE, FUNCTION, GATHERING, RESULT, SPEC, UNSAMPLED
from pytest_velo.integration.run.alone import sample
from pytest_velo.integration.run.assumptions import ending_of
from pytest_velo.integration.run.climb import Climb
from pytest_velo.integration.run.estimate import skip_text
from pytest_velo.integration.run.estimated import estimate_alone, estimate_climb
from pytest_velo.integration.run.outcomes import HypothesisRefuted
from pytest_velo.integration.run.pool import POOLING
from pytest_velo.integration.run.sampling import fill_in_turn, held_back, prepare
from pytest_velo.integration.run.wording import verdict_text
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.estimates import estimate_text
from pytest_velo.report.exports.spans import told
from pytest_velo.runner.run import Run
from pytest_velo.settings import Mode


def run_if_ours(item: pytest.Function) -> bool | None:
    """Sample an item instead of calling its function once; None if it is not a hypothesis.

    Raises:
        UsageError: Its marks came too late, or it is wrong and yet not skipped; and as in `run_item`.
    """
    problem = mistake_of(item) or late_problem(item)
    if problem is not None:
        raise problem
    if SPEC not in item.stash:
        return None
    run_item(item)
    return True


def run_item(item: pytest.Function) -> None:
    """Sample the hypothesis of an item that is set up, or wait for it if it is being sampled already.

    The item's stash and the session keep the result, whatever is raised.

    Raises:
        HypothesisRefuted: The failure pytest reports; if trials keep their exceptions, the last of them.
        BaseException: What ended it as an error, or pytest's own (skip, exit, Ctrl-C).
    """
    session = item.config.stash[SESSION]
    if (gather := item.config.stash.get(GATHERING, None)) is not None:
        _skip(item, held_back(item, session) or gather(item, session))
    if session.settings.mode is Mode.ESTIMATE:
        _estimate(item, session)
    if item.stash[SPEC].ladder is not None:
        _climb(item, session)
        return
    pooling = item.config.stash.get(POOLING, None)
    if pooling is not None and pooling.has(item):
        sampling = pooling.reach(item)
    else:
        fill_in_turn(item, session)
        prepared = prepare(item, session)
        if isinstance(prepared, HypothesisResult):
            _keep(item, session, prepared)
            return
        sampling = prepared
        sample(sampling, session, keep=partial(_keep, item, session))
    if isinstance(sampling.run.error, WouldPayError):
        _skip(item, skip_text(item, session, sampling.run))
    result = _keep(item, session, sampling.result)
    _raise(item, sampling.run, result)


def _climb(item: pytest.Function, session: VeloSession) -> None:
    """Sample the rungs of an item, one after another."""
    climb = Climb(item, session)
    last = climb.go(partial(_keep, item, session))
    if isinstance(last, HypothesisResult):
        _keep(item, session, last)
        return
    if isinstance(last.run.error, WouldPayError):
        _skip(item, skip_text(item, session, last.run))
    _raise(item, last.run, _keep(item, session, climb.result))


def _estimate(item: pytest.Function, session: VeloSession) -> NoReturn:
    """Say what the item would take, and skip it."""
    steps = steps_of(item)
    estimate = estimate_climb(item, session, steps) if steps else estimate_alone(item, session)
    item.stash[ESTIMATE] = estimate
    _skip(item, estimate_text(estimate))


def _keep(item: pytest.Function, session: VeloSession, result: HypothesisResult | None) -> HypothesisResult:
    assert result is not None  # every path here sets one
    item.stash[RESULT] = kept = session.keep(told(result))
    session.endings.note(item.nodeid, ending_of(kept))
    if (pooling := item.config.stash.get(POOLING, None)) is not None:
        pooling.release()
    return kept


def _raise(item: pytest.Function, run: Run, result: HypothesisResult) -> None:
    __tracebackhide__ = True
    if run.error is not None:
        raise from_the_body(run.error, item.stash[FUNCTION])
    if result.outcome is Outcome.REFUTED:
        if run.exceptions:
            raise run.exceptions[-1]  # for debuggers: the trial's own frames
        raise HypothesisRefuted(verdict_text(item.config, result))


def _skip(item: pytest.Function, why: str) -> NoReturn:
    if RESULT in item.stash:
        del item.stash[RESULT]
    item.stash[UNSAMPLED] = why
    pytest.skip(why)
