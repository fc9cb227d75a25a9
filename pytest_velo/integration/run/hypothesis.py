"""From a collected item to a hypothesis the runner can sample."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict

import pytest

from pytest_velo.case_sets import Planned
from pytest_velo.checks.bodies import body_digest
from pytest_velo.claims import AnyClaim, Claim
from pytest_velo.integration.collect.design import Design, case_set, design_for
from pytest_velo.integration.collect.fixture_names import is_ours, shared_state
from pytest_velo.integration.collect.items import FACTS, FUNCTION, SPEC, model_ids
from pytest_velo.integration.collect.marks import Spec
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.config.rerun import rerun_line
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.records import Family, UnitKind
from pytest_velo.runner.hypothesis import Body, Hypothesis, Invalid
from pytest_velo.settings import Settings
from pytest_velo.stats.rules.choice import RuleFactory, rule_for


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
        outcomes: Reads what the body gives.
        may_pay: Draws that cost money were asked for.
        in_order: One trial at a time (debuggers).
        fixtures: The values of its arguments by name; those that differ from trial to trial are put in.

    Raises:
        UsageError: As `design_for`.
    """
    spec, facts = item.stash[SPEC], item.stash[FACTS]
    cases = case_set(item, settings)
    design = design_for(item, settings)
    shared = shared_state(fixture_info(item))
    notices = [_shared_notice(shared)] if shared else []
    limit = 1 if shared or in_order else max(1, settings.concurrency // settings.workers)
    return Hypothesis(
        node_id=item.nodeid,
        belief=_belief(item),
        claim=spec.claim,
        stream=_stream_of(spec, settings),
        seed=settings.seed,
        model=model_id(item, settings),
        limit=limit,
        set_digest=cases.digest if cases is not None else "",
        body_digest=body_digest(item.stash[FUNCTION]),
        body=_body(item, fixtures),
        is_async=facts.is_async,
        outcomes=outcomes,
        may_pay=may_pay,
        rerun=rerun_line(item, settings),
        notices=tuple(notices),
        keep_exceptions=in_order,
        make_rule=rule_factory(item.config, spec.claim),
        ceiling=spec.get("ceiling"),
        max_trials_marked="max_trials" in spec.options,
        **_of_design(design),
    )


class _OfDesign(TypedDict):
    """The fields of a hypothesis that its design gives."""

    alpha: float
    beta: float
    margin: float
    max_trials: int
    min_trials: int
    invalid: Invalid
    extend: bool
    plan: Callable[[], Iterator[Planned]]
    max_units: int
    unit_size: int
    unit: UnitKind
    arms: tuple[str, ...]
    scope: str
    census: int | None
    family: Family | None


def _of_design(design: Design) -> _OfDesign:
    return _OfDesign(
        alpha=design.alpha,
        beta=design.beta,
        margin=design.margin,
        max_trials=design.max_trials,
        min_trials=design.min_trials,
        invalid=design.invalid,
        extend=design.extend,
        plan=design.trials,
        max_units=design.max_units,
        unit_size=design.unit_size,
        unit=design.unit,
        arms=design.arms,
        scope=design.scope,
        census=design.census,
        family=design.family,
    )


def rule_factory(config: pytest.Config, claim: AnyClaim) -> RuleFactory:
    """Return what makes the rule of a claim: that of its class, or of the nearest one it derives from.

    Args:
        config: Its plugins are asked, the last one to register first.
        claim: Of any kind; what joins several, and a mere number, brings a rule of its own.
    """
    offered: dict[type[Claim], RuleFactory] = {}
    for factories in reversed(config.hook.pytest_velo_claims()):  # the last one to register goes first
        offered |= factories
    for kind in type(claim).__mro__:
        if kind in offered:
            return offered[kind]
    return rule_for  # the parts of a joint claim, and a number, have rules of their own


def _stream_of(spec: Spec, settings: Settings) -> str:
    """Return the stream of draws: the profile `confirm` never reads what was explored."""
    stream: str = spec.get("stream", "")
    return f"confirm:{stream}" if settings.profile == "confirm" else stream


def model_id(item: pytest.Item, settings: Settings) -> str | None:
    """Return the id of the item's model; None when its body asks for none.

    Args:
        item: A prepared item; one that was made for a model (by its parameters) has that one.
        settings: Name the model where the mark names none.

    Returns:
        Of models that are compared as arms, all of them: `a/x and b/y`.
    """
    spec = item.stash[SPEC]
    if spec.arms_are_models:
        return " and ".join(spec.arms)
    asking = [name for name in ("model", "velo") if is_ours(fixture_info(item), name)]
    if not asking:
        return None
    params = getattr(getattr(item, "callspec", None), "params", {})
    chosen = next((params[name] for name in asking if name in params), None)
    ids = model_ids(spec, settings)
    return chosen if isinstance(chosen, str) else (ids[0] if ids else None)


def _is_static(item: pytest.Function) -> bool:
    name = getattr(item, "originalname", item.name)
    return isinstance(inspect.getattr_static(item.cls, name, None), staticmethod)


def _body(item: pytest.Function, fixtures: Mapping[str, Any]) -> Body:
    """Return the test function with its fixtures in place; a class instance of its own per trial.

    The instance is as the set-up left it: what one trial puts on `self`, or into its lists, no other sees.
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
    except Exception:  # a connection, a lock: what cannot be copied is shared
        return copy.copy(instance)


def _belief(item: pytest.Function) -> str:
    """The docstring's first line, else the test's name in words."""
    doc = inspect.getdoc(item.stash[FUNCTION])
    return doc.splitlines()[0] if doc else item.name.removeprefix("test_").replace("_", " ")


def _shared_notice(names: list[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    return f"one trial at a time: {', '.join(names)} {verb} set up once for all trials"
