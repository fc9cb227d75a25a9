"""From a collected item to a hypothesis the runner can sample."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_velo.bodies.shape import body_digest
from pytest_velo.claims import AnyClaim, Claim
from pytest_velo.designing.attacking import attack_of
from pytest_velo.designing.hypothesis import make_hypothesis, rule_maker
from pytest_velo.designing.rungs import hypothesis_on
from pytest_velo.designing.supplies import unstubbed
from pytest_velo.integration.body import taker_of, velo_of
from pytest_velo.integration.collect.attempts import tried_by
from pytest_velo.integration.collect.fixture_names import is_ours, shared_state, told
from pytest_velo.integration.collect.frame import case_set, frame_of
from pytest_velo.integration.collect.ladders import notices_of, steps_of
from pytest_velo.integration.collect.models import model_id
from pytest_velo.integration.collect.stash import FACTS, FUNCTION, SPEC, STEP
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.config.rerun import rerun_line
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.records import Stubbed
from pytest_velo.runner.hypothesis import Body, Hypothesis
from pytest_velo.settings import Settings
from pytest_velo.stats.choosing import RuleFactory
from pytest_velo.stats.rules.choice import MakeRule
from pytest_velo.stubs import Stub


def build(
    item: pytest.Function,
    settings: Settings,
    outcomes: HostOutcomes,
    *,
    may_pay: bool,
    in_order: bool,
    fixtures: Mapping[str, Any],
) -> Hypothesis:
    """Return the hypothesis of an item.

    Args:
        item: The test item.
        settings: The session's settings.
        outcomes: Reads the body's outcomes.
        may_pay: Paid calls are enabled.
        in_order: One trial at a time (debuggers).
        fixtures: The values of its arguments by name; per-trial values are filled in later.

    Raises:
        UsageError: As in `frame_of`.
    """
    spec, facts = item.stash[SPEC], item.stash[FACTS]
    stubbed = {name: value for name, value in fixtures.items() if isinstance(value, Stub)}
    fixtures, stubs = _unstubbed(item, fixtures)
    outcomes.watch(fixtures.values())
    cases = case_set(item, settings)
    frame = frame_of(item, settings)
    info = fixture_info(item)
    shared = [name for name in shared_state(item, info) if name not in stubbed]
    step = item.stash.get(STEP, None)
    notices = [_shared_notice([told(item, info, name) for name in shared])] if shared else []
    hypothesis = make_hypothesis(
        spec,
        frame,
        cases,
        settings,
        node_id=item.nodeid,
        folder=item.path.parent,
        belief=belief_of(item),
        model=model_id(item, settings),
        body=_body(item, fixtures),
        body_digest=body_digest(item.stash[FUNCTION]),
        is_async=facts.is_async,
        outcomes=outcomes,
        make_rule=item_rule_maker(item.config, spec.claim),
        may_pay=may_pay,
        rerun=rerun_line(item, settings),
        notices=notices,
        one_by_one=bool(shared) or in_order,
        keep_exceptions=in_order,
        tries=tried_by(item, settings),
        attack=attack_of(frame.search, velo_of(item)),
        stubs=stubs,
    )
    if step is None:
        return hypothesis
    is_last = step == steps_of(item)[-1]
    return hypothesis_on(step, hypothesis, is_last=is_last, notices=notices_of(item, step))


def _unstubbed(item: pytest.Function, fixtures: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Stubbed]]:
    """Return what the body gets for its arguments, and what of it stands in for something in every trial."""
    given, stubs = dict(fixtures), list[Stubbed]()
    for name, value in fixtures.items():
        if isinstance(value, Stub):
            given[name], found = unstubbed(name, value, taker_of(item, name))
            stubs += found if name in fixture_info(item).argnames else ()
    return given, stubs


def item_rule_maker(config: pytest.Config, claim: AnyClaim) -> MakeRule:
    """Return what makes a claim's rule: that of a plugin, or ours."""
    offered: dict[type[Claim], RuleFactory] = {}
    for factories in reversed(config.hook.pytest_velo_claims()):  # the last one to register wins
        offered |= factories
    return rule_maker(claim, offered)


def _is_static(item: pytest.Function) -> bool:
    name = getattr(item, "originalname", item.name)
    return isinstance(inspect.getattr_static(item.cls, name, None), staticmethod)


def _body(item: pytest.Function, fixtures: Mapping[str, Any]) -> Body:
    """Return the test function with its fixtures in place; each trial gets its own class instance.

    The instance is as set-up left it: a trial does not see what another puts on `self`, or into its lists.
    """
    function = item.stash[FUNCTION]
    info = fixture_info(item)
    fixed = {name: fixtures[name] for name in info.argnames}
    wants_case = "case" in fixed and is_ours(info, "case")
    wants_arm = "arm" in fixed and is_ours(info, "arm")
    wants_trial = "trial" in fixed and is_ours(info, "trial")
    instance = item.instance if item.cls is not None and not _is_static(item) else None

    def body(case: Any, arm: str, trial: Any) -> Any:
        arguments = dict(fixed)
        if wants_case:
            arguments["case"] = case
        if wants_arm:
            arguments["arm"] = arm
        if wants_trial:
            arguments["trial"] = trial
        return function(**arguments) if instance is None else function(_fresh(instance), **arguments)

    return body


def _fresh(instance: Any) -> Any:
    if not vars(instance):
        return copy.copy(instance)
    try:
        return copy.deepcopy(instance)
    except Exception:  # e.g. a connection or a lock: what cannot be copied is shared
        return copy.copy(instance)


def belief_of(item: pytest.Function) -> str:
    """Return the docstring's first line, else the test's name in words."""
    doc = inspect.getdoc(item.stash[FUNCTION])
    return doc.splitlines()[0] if doc else item.name.removeprefix("test_").replace("_", " ")


def _shared_notice(names: list[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    return f"one trial at a time: {', '.join(names)} {verb} set up once for all trials"
