"""Running one item: build the hypothesis, sample it, keep the result, raise what pytest must see."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_velo.errors import NotDrawnError, UsageError, WouldPayError
from pytest_velo.integration.building import build, model_id
from pytest_velo.integration.collection import FACTS, FUNCTION, SPEC
from pytest_velo.integration.designs import check_drawn
from pytest_velo.integration.estimating import estimate_of, run_on_stored, skip_text
from pytest_velo.integration.guarding import Guard, guard_of, unsampled_result
from pytest_velo.integration.options import RESCORE_PLUGIN
from pytest_velo.integration.outcomes import HostOutcomes, HypothesisRefuted
from pytest_velo.integration.private import sparing_explanations
from pytest_velo.integration.progress import Progress
from pytest_velo.integration.remarks import with_remarks
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.estimates import Estimate, estimate_text
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.result import explains_asserts, result_of
from pytest_velo.runner.run import Run
from pytest_velo.settings import Mode

if TYPE_CHECKING:
    from pytest_velo.integration.rescoring import Rescored, Rescoring
    from pytest_velo.sampling.model import AsyncModel, Model
    from pytest_velo.scorers.judge import AsyncJudge, Judge

RESULT = pytest.StashKey[HypothesisResult]()
UNSAMPLED = pytest.StashKey[str]()
ESTIMATE = pytest.StashKey[Estimate]()


def is_ours(item: pytest.Item) -> bool:
    """Tell whether an item was prepared as a hypothesis."""
    return SPEC in item.stash


def run_item(item: pytest.Function) -> None:
    """Sample the item's hypothesis.

    Raises:
        HypothesisRefuted: The failure pytest reports.
        BaseException: What ended it as an error, or pytest's own (skip, exit, Ctrl-C).
    """
    session = item.config.stash[SESSION]
    if session.settings.mode is Mode.ESTIMATE:
        _estimate(item, session)
    rescored = _rescored(item)
    settings = session.settings if rescored is None else rescored.settings(session.settings)
    check_drawn(item, settings)
    may_pay = session.may_pay(item.nodeid)
    outcomes = HostOutcomes(item.stash[FACTS], item.stash[SPEC].claim)
    hypothesis = build(item, settings, outcomes, may_pay=may_pay, in_order=session.in_order())
    guard = guard_of(item, session, hypothesis)
    if guard is not None:
        if guard.hypothesis is None:
            result = unsampled_result(hypothesis, guard.problem)
            _keep(item, session, result if rescored is None else rescored.told(result))
            return
        hypothesis = guard.hypothesis
    _sample(item, session, hypothesis, outcomes, guard, rescored)


def _rescored(item: pytest.Item) -> Rescored | None:
    """Return how the item is rescored; None in a session that does not."""
    plugin: Rescoring | None = item.config.pluginmanager.get_plugin(RESCORE_PLUGIN)
    return None if plugin is None else plugin.of(item)


def _sample(
    item: pytest.Function,
    session: VeloSession,
    hypothesis: Hypothesis,
    outcomes: HostOutcomes,
    guard: Guard | None,
    rescored: Rescored | None,
) -> None:
    """Sample a hypothesis, keep its result and raise what it means."""
    if rescored is not None:
        hypothesis = rescored.hypothesis(hypothesis)
    looks = Looks(session.store, hypothesis)
    looks.check(strict=session.settings.strict)
    progress = Progress(item.config, item.name)
    before = session.sampler.stats()
    drawer = session.sampler if rescored is None else rescored.drawer()
    run = Run(hypothesis, drawer, session.loop, progress, n_known=looks.n_known)
    try:
        with sparing_explanations(lambda: explains_asserts(run, session.settings.show)):
            session.loop.run(run.go())
    finally:
        progress.close()
        result = with_remarks(result_of(run), outcomes, before, session.sampler.stats())
        if guard is None or guard.is_look:
            looks = looks if rescored is None else rescored.looks(hypothesis, run)
            result = looks.note(run, result)
        if guard is not None:
            result = guard.finish(run, result)
        if rescored is not None:
            result = rescored.told(result, run)
        _keep(item, session, result)
    _raise(item, session, run, result)


def _estimate(item: pytest.Function, session: VeloSession) -> NoReturn:
    """Say what the item would take, and skip it."""
    run = run_on_stored(item, session)
    if isinstance(run, Run):
        if run.error is not None and not isinstance(run.error, NotDrawnError):
            raise from_the_body(run.error, item.stash[FUNCTION])
        estimate = estimate_of(item, session, run)
    else:
        estimate = run
    item.stash[ESTIMATE] = estimate
    _skip(item, estimate_text(estimate))


def model_of(item: pytest.Item, chosen: str | None) -> AsyncModel | Model:
    """Return the model object of an item's body.

    Args:
        item: The test item.
        chosen: A model id; None for the item's own.
    """
    from pytest_velo.providers.registry import resolve
    from pytest_velo.sampling.model import AsyncModel, Model

    _require_hypothesis(item, "model")
    settings = item.config.stash[SESSION].settings
    spec = item.stash[SPEC]
    if chosen is None and spec.arms_are_models:
        targets = {arm: resolve(arm, settings.endpoints) for arm in spec.arms}
        return AsyncModel(targets) if item.stash[FACTS].is_async else Model(targets)
    name = chosen or model_id(item, settings)
    if name is None:
        raise UsageError("no model is named", where=item.nodeid, fix='velo.model("local/smollm2-135m")')
    target = resolve(name, settings.endpoints)
    return AsyncModel(target) if item.stash[FACTS].is_async else Model(target)


def judge_of(item: pytest.Item) -> AsyncJudge | Judge:
    """Return the judge of an item's body."""
    from pytest_velo.sampling.model import AsyncModel
    from pytest_velo.scorers.judge import AsyncJudge, Judge

    _require_hypothesis(item, "judge")
    name = item.stash[SPEC].get("judge") or item.config.stash[SESSION].settings.judge
    if name is None:
        raise UsageError(
            "no judge is named", where=item.nodeid, fix="judge=... in the mark, or --velo-judge=..."
        )
    model = model_of(item, name)
    return AsyncJudge(model) if isinstance(model, AsyncModel) else Judge(model)


def _require_hypothesis(item: pytest.Item, name: str) -> None:
    if SPEC not in item.stash:
        raise UsageError(
            f"the fixture {name!r} serves hypotheses only",
            where=item.nodeid,
            fix="mark the test: @pytest.mark.hypothesis(rate >= 0.5)",
        )


def _keep(item: pytest.Function, session: VeloSession, result: HypothesisResult) -> None:
    item.stash[RESULT] = result
    session.results.append(result)


def _raise(item: pytest.Function, session: VeloSession, run: Run, result: HypothesisResult) -> None:
    __tracebackhide__ = True
    if isinstance(run.error, WouldPayError):
        session.results.remove(result)
        _skip(item, skip_text(item, session, run))
    if run.error is not None:
        raise from_the_body(run.error, item.stash[FUNCTION])
    if result.outcome is Outcome.REFUTED:
        if run.exceptions:
            raise run.exceptions[-1]  # debuggers want the trial's own frames
        raise HypothesisRefuted(result.decision.certified if result.decision else "refuted")


def _skip(item: pytest.Function, why: str) -> NoReturn:
    if RESULT in item.stash:
        del item.stash[RESULT]
    item.stash[UNSAMPLED] = why
    pytest.skip(why)


def from_the_body(error: BaseException, function: Any) -> BaseException:
    """Return the error with its traceback cut to where the user's code begins, where it is in there."""
    code = getattr(function, "__code__", None)
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code is code:
            break
    else:
        return error
    trail = error.__traceback__
    while trail is not None and trail.tb_frame.f_code is not code:
        trail = trail.tb_next
    return error.with_traceback(trail)
