"""From a collected item to a hypothesis the runner can sample."""

from __future__ import annotations

import copy
import inspect
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import pytest

from pytest_velo.case_sets import CaseSet, Plan, Planned, is_strategy, load, pick_order, with_arms
from pytest_velo.checks.bodies import body_digest
from pytest_velo.errors import UsageError
from pytest_velo.integration.collection import FACTS, FUNCTION, SPEC, is_ours, model_ids, shared_state
from pytest_velo.integration.marks import Spec
from pytest_velo.integration.outcomes import HostOutcomes
from pytest_velo.integration.private import fixture_info
from pytest_velo.runner.hypothesis import Body, Hypothesis, Invalid, Over
from pytest_velo.settings import Settings
from pytest_velo.stats.choosing import reach_for

CASES = pytest.StashKey[CaseSet]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How a hypothesis is sampled, as far as it is known without its fixtures.

    Attributes:
        plan: The trials in submission order, endless unless the cases end them.
        max_trials: Most units that were asked for.
        max_units: Most units there can be: `max_trials`, or fewer where the cases run out.
        unit_size: Largest number of trials in a unit.
        scope: What the claim is about, in words.
    """

    alpha: float
    beta: float
    margin: float
    max_trials: int
    min_trials: int
    invalid: Invalid
    extend: bool
    plan: Plan
    arms: tuple[str, ...]
    max_units: int
    scope: str

    @property
    def unit_size(self) -> int:
        """Largest number of trials in a unit; 1 when every trial stands for itself."""
        return self.plan.largest_unit * max(1, len(self.arms))

    def trials(self) -> Iterator[Planned]:
        """Plan every trial of every arm, up to the last unit."""
        trials = takewhile(lambda planned: planned.unit < self.max_units, self.plan)
        return with_arms(trials, self.arms) if self.arms else trials


def case_set(item: pytest.Item, settings: Settings) -> CaseSet | None:
    """Return the item's cases, loaded once; None without `cases=`."""
    spec = item.stash[SPEC]
    source = spec.get("cases")
    if source is None:
        return None
    if CASES not in item.stash:
        max_n = spec.get("max_trials", settings.max_trials)
        item.stash[CASES] = load(source, base=item.path.parent, seed=settings.seed, max_n=max_n)
    return item.stash[CASES]


def check_design(item: pytest.Item, settings: Settings) -> str | None:
    """Check at collection what needs no fixtures: cases, design, and whether a verdict is in reach.

    Strategies are drawn, and then checked, when the item runs: importing and running the Hypothesis library
    takes time.

    Returns:
        A warning, when the power at `expect=` is low; None when all is well.

    Raises:
        UsageError: The cases, the design or an unreachable `supported`.
    """
    spec = item.stash[SPEC]
    if is_strategy(spec.get("cases")) and CASES not in item.stash:
        return None
    design = design_of(spec, case_set(item, settings), settings)
    rule: dict[str, Any] = {
        "alpha": design.alpha,
        "beta": design.beta,
        "margin": design.margin,
        "max_units": design.max_units,
        "min_units": design.min_trials,
        "single": design.plan.largest_unit == 1,
        "extend": design.extend,
    }
    reach = reach_for(spec.claim, **rule)
    if not reach.can_support:
        few = "" if design.max_units == design.max_trials else " (there are no more cases)"
        raise UsageError(
            f"`{spec.claim}` can never be supported within {design.max_units} trials{few}:"
            f" even if all of them spoke for it, {reach.n_support} are needed",
            fix=f"max_trials={reach.n_support} or more (with as many cases), or an easier claim",
        )
    expect = spec.get("expect")
    if expect is None:
        return None
    if design.unit_size > 1 or not spec.claim.statistic.binary:
        raise UsageError(
            "expect= needs single trials of 0 or 1", fix="leave it out: the power is not known exactly"
        )
    from pytest_velo.stats.operating import power
    from pytest_velo.stats.rules import make_rule

    del rule["single"]
    chance = power(make_rule(spec.claim, **rule), expect)
    if chance >= 0.5:
        return None
    return (
        f"{item.nodeid}: if the rate is {expect:g} as expected, `{spec.claim}` is supported"
        f" in only {chance:.0%} of runs"
    )


def check_drawn(item: pytest.Item, settings: Settings) -> None:
    """Draw the cases of a strategy and check the design that collection could not.

    Raises:
        UsageError: As `check_design`, before any call.
    """
    if is_strategy(item.stash[SPEC].get("cases")):
        case_set(item, settings)
        warning = check_design(item, settings)
        if warning is not None:
            item.warn(pytest.PytestWarning(warning))


def design_of(spec: Spec, cases: CaseSet | None, settings: Settings) -> Design:
    """Return the design the marks and the cases make.

    Raises:
        UsageError: Keywords that contradict each other.
    """
    max_trials = spec.get("max_trials", settings.max_trials)
    draws = spec.get("draws_per_case", 1)
    over = spec.get("over")
    if cases is None and over is not None:
        raise UsageError("over= needs cases", fix="cases=[...] or cases='file.jsonl'")
    over = over.value if over is not None else cases.default_over if cases is not None else Over.CASES.value
    plan = pick_order(cases, over, seed=settings.seed, draws_per_case=draws)
    max_units = max_trials if plan.n_units is None else min(max_trials, plan.n_units)
    min_trials = spec.get("min_trials", 1)
    if min_trials > max_units:
        raise UsageError(
            f"min_trials={min_trials}, but there are at most {max_units} trials",
            fix="lower min_trials or give more cases",
        )
    return Design(
        alpha=spec.get("alpha", settings.alpha),
        beta=spec.get("beta", 0.05),
        margin=spec.get("margin", 0.0),
        max_trials=max_trials,
        min_trials=min_trials,
        invalid=spec.get("invalid", Invalid.BOUND),
        extend=spec.get("extend", False),
        plan=plan,
        arms=spec.arms,
        max_units=max_units,
        scope=_scope(cases, over) + (", paired on the case" if spec.arms and cases is not None else ""),
    )


def _scope(cases: CaseSet | None, over: str) -> str:
    if cases is None:
        return "this body as it stands"
    if over == Over.CASES:
        return f"over these {len(cases)} cases" if len(cases) > 1 else "over this one case"
    return "beyond these cases (unit: group)" if cases.groups is not None else "beyond these cases"


def build(
    item: pytest.Function, settings: Settings, outcomes: HostOutcomes, *, may_pay: bool, in_order: bool
) -> Hypothesis:
    """Return the hypothesis of an item whose fixtures are set up.

    Args:
        item: The test item.
        settings: The session's settings.
        outcomes: Reads what the body gives.
        may_pay: Draws that cost money were asked for.
        in_order: One trial at a time (debuggers).
    """
    spec, facts = item.stash[SPEC], item.stash[FACTS]
    cases = case_set(item, settings)
    design = design_of(spec, cases, settings)
    shared = shared_state(fixture_info(item))
    notices = [_shared_notice(shared)] if shared else []
    limit = 1 if shared or in_order else max(1, settings.concurrency // settings.workers)
    return Hypothesis(
        node_id=item.nodeid,
        belief=_belief(item),
        claim=spec.claim,
        alpha=design.alpha,
        beta=design.beta,
        margin=design.margin,
        max_trials=design.max_trials,
        min_trials=design.min_trials,
        invalid=design.invalid,
        extend=design.extend,
        stream=stream_of(spec, settings),
        seed=settings.seed,
        model=model_id(item, settings),
        plan=design.trials,
        max_units=design.max_units,
        unit_size=design.unit_size,
        arms=design.arms,
        limit=limit,
        scope=design.scope,
        set_digest=cases.digest if cases is not None else "",
        body_digest=body_digest(item.stash[FUNCTION]),
        body=_body(item),
        is_async=facts.is_async,
        outcomes=outcomes,
        may_pay=may_pay,
        rerun=rerun_line(item.nodeid, settings),
        notices=tuple(notices),
        keep_exceptions=in_order,
    )


def stream_of(spec: Spec, settings: Settings) -> str:
    """Return the stream of draws: the profile `confirm` never reads what was explored."""
    stream: str = spec.get("stream", "")
    return f"confirm:{stream}" if settings.profile == "confirm" else stream


def model_id(item: pytest.Item, settings: Settings) -> str | None:
    """Return the id of the item's model; None when its body asks for none."""
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


def rerun_line(node_id: str, settings: Settings) -> str:
    """Return the command that runs one hypothesis again."""
    seed = f" --velo-seed={settings.seed}" if settings.seed else ""
    return f"pytest {shlex.quote(node_id)}{seed}"


def _is_static(item: pytest.Function) -> bool:
    name = getattr(item, "originalname", item.name)
    return isinstance(inspect.getattr_static(item.cls, name, None), staticmethod)


def _body(item: pytest.Function) -> Body:
    """Return the test function with its fixtures in place; a class instance of its own per trial.

    The instance is as the set-up left it: what one trial puts on `self`, or into its lists, no other sees.
    """
    function = item.stash[FUNCTION]
    info = fixture_info(item)
    fixed = {name: item.funcargs[name] for name in info.argnames}
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
