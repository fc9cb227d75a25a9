"""The models of an item's body: its own, any by name, and the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.building import model_id
from pytest_velo.integration.collection import FACTS, SPEC
from pytest_velo.integration.session import SESSION

if TYPE_CHECKING:
    from pytest_velo.sampling.model import AsyncModel, Model
    from pytest_velo.scorers.judge import AsyncJudge, Judge


def model_of(item: pytest.Item, chosen: str | None) -> AsyncModel | Model:
    """Return the model object of an item's body: one to await for an `async def`, else one that blocks.

    Args:
        item: The test item.
        chosen: A model id; None for the item's own, or for one in each arm where models are the arms.

    Raises:
        UsageError: The item is no hypothesis, no model is named, or the one that is cannot be used here.

    Examples:
        >>> from pytest_velo import scripted
        >>> from pytest_velo.integration.examples import hypothesis_item
        >>> ids = scripted("parrot", ["Hello!"]), scripted("owl", ["Who?"])
        >>> test = "async def test_it(model): return True"
        >>> item, _ = hypothesis_item(getfixture("request"), "rate >= 0.5", test, models=ids[:1])
        >>> model_of(item, None), model_of(item, "scripted/owl")
        (<model scripted/parrot>, <model scripted/owl>)
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
    """Return the judge of an item's body: the mark's, else the session's; to await or not as `model_of` says.

    Raises:
        UsageError: As `model_of`.

    Examples:
        >>> from pytest_velo import scripted
        >>> from pytest_velo.integration.examples import hypothesis_item
        >>> owl = scripted("owl", ['{"answer": "yes"}'])
        >>> def judge(test):
        ...     return judge_of(hypothesis_item(getfixture("request"), "rate >= 0.5", test, judge=owl)[0])
        >>> type(judge("def test_it(judge): return True")).__name__
        'Judge'
        >>> type(judge("async def test_it(judge): return True")).__name__
        'AsyncJudge'
    """
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
