"""A claim judged on logs: their outcomes become the trials of a run, and the usual rules weigh them.

All outcomes are there, and reading them costs nothing, so no verdict comes before the last one: the whole log
is the evidence, and thresholds that can be calibrated are calibrated to that single look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_velo.canonical import digest
from pytest_velo.case_sets import CaseSet, Plan, Planned, pick_order, with_arms
from pytest_velo.case_sets.sets import DIGEST_LENGTH
from pytest_velo.claims import AnyClaim, Change, Claim
from pytest_velo.errors import UsageError, nearest
from pytest_velo.logs.grid import Grid
from pytest_velo.logs.log import Sample
from pytest_velo.logs.scores import outcome_of, scores_for
from pytest_velo.records import OutcomeKind, TrialRecord, UnitKind
from pytest_velo.runner.frame import Frame, Over
from pytest_velo.runner.hypothesis import Hypothesis, Reading
from pytest_velo.runner.run import Run
from pytest_velo.runner.trials import Finished
from pytest_velo.stats.engine.design import Design
from pytest_velo.verdicts import StopReason

_MOST_NOTE = 500
"""Characters of a text that the record repeats; its place in the log is there too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How logs are judged.

    Attributes:
        alpha, beta: Upper bounds on P(wrong supported) and P(wrong refuted); in (0, 1).
        margin: How far off a claim must be to count as false, in the statistic's units, from 0.
        seed: Of the order that samples are looked at in.
        over: What the claim is about: `population`, each sample once, as a draw of what it was drawn from;
            `cases`, these samples, picked with replacement, each pick a draw of its own.
        once: A census: the claim is about these recorded outcomes and nothing else.
        score: The score that claims without a name are about; None for each log's only one.
        rerun: The command that judges the logs again.
    """

    alpha: float = 0.05
    beta: float = 0.05
    margin: float = 0.0
    seed: int = 0
    over: Over = Over.POPULATION
    once: bool = False
    score: str | None = None
    rerun: str = ""


def judge(claim: AnyClaim, grid: Grid, options: Options) -> Run:
    """Judge a claim on logs, and return the run that ended.

    Args:
        claim: About the only log, or a difference of two.
        grid: The logs, paired.
        options: How.

    Raises:
        UsageError: The claim does not fit the logs, or the options each other.
    """
    arms = _arms(claim, grid)
    _check(claim, grid, options)
    cases = _cases(grid, options)
    plan = _plan(cases, grid, options)
    frame = _frame(claim, cases, plan, arms, grid, options)
    hypothesis = _hypothesis(claim, arms, frame, cases, grid, options)
    run = Run(hypothesis, _Nothing(), _Nothing())
    run.take(_trials(hypothesis, arms, grid, options))
    if run.stop is StopReason.MAX_TRIALS:
        run.stop = StopReason.CASES_EXHAUSTED  # nobody set a maximum: the log has no more
    return run


def name_of(claim: AnyClaim, arms: Sequence[str]) -> str:
    """Return the name a judged claim has in records, in the form of a node id."""
    return f"{' and '.join(arms)}::{claim}"


def _arms(claim: AnyClaim, grid: Grid) -> tuple[str, ...]:
    """Return the arms that a claim is about, in the order of the grid."""
    compared = claim.statistics[0].arms
    if isinstance(claim.statistics[0], Change):
        raise UsageError(
            "a log has no baseline",
            where=str(claim),
            fix='judge both logs: difference("new", "old") >= -0.05',
        )
    for arm in compared:
        if arm not in grid.arms:
            raise UsageError(f"there is no log {arm!r}", where=str(claim), fix=nearest(arm, grid.arms))
    if compared:
        return tuple(arm for arm in grid.arms if arm in compared)
    if len(grid.arms) > 1:
        raise UsageError("the claim names no log", where=str(claim), fix="judge one log")
    return grid.arms


def _check(claim: AnyClaim, grid: Grid, options: Options) -> None:
    if options.once and grid.groups is not None:
        raise UsageError(
            "--once counts the recorded outcomes, not groups of them", where=str(claim), fix="drop --group"
        )
    if options.over is Over.CASES and grid.groups is not None:
        raise UsageError(
            "--over=cases picks single samples, not groups of them", where=str(claim), fix="drop --group"
        )
    if not options.once:
        return
    if options.over is Over.CASES:
        raise UsageError(
            "--once looks at every outcome, and --over=cases picks some", where=str(claim), fix="drop one"
        )
    statistic = claim.statistics[0]
    if type(claim) is not Claim or statistic.arms or not statistic.binary:
        raise UsageError(
            "--once counts the ones among recorded outcomes, but this is about something else",
            where=str(claim),
            fix="claim a rate of one log, or leave --once out",
        )


def _cases(grid: Grid, options: Options) -> CaseSet:
    """Return the samples as cases; for a census, each epoch of each is one."""
    names = [(name, "") for name in grid.ids]
    if options.once and grid.n_draws > 1:
        names = [(name, str(draw)) for name in grid.ids for draw in range(grid.n_draws)]
    digests = tuple(digest(["logged", *name])[:DIGEST_LENGTH] for name in names)
    whole = digest([digests, grid.groups])[:DIGEST_LENGTH]
    return CaseSet(
        items=tuple(names),
        digests=digests,
        ids=tuple(name for name, _ in names),
        groups=grid.groups,
        digest=whole,
        default_over="population",
    )


def _plan(cases: CaseSet, grid: Grid, options: Options) -> Plan:
    draws = 1 if options.once or options.over is Over.CASES else grid.n_draws
    return pick_order(cases, options.over, seed=options.seed, draws_per_case=draws)


def _frame(
    claim: AnyClaim, cases: CaseSet, plan: Plan, arms: tuple[str, ...], grid: Grid, options: Options
) -> Frame:
    n_units = plan.n_units or len(cases)
    several = len(arms) > 1
    design = Design(
        alpha=options.alpha,
        beta=options.beta,
        max_units=n_units,
        margin=options.margin,
        # Picked with replacement, samples run out of draws: then an early verdict is worth having.
        min_units=1 if options.over is Over.CASES else n_units,
        single=plan.largest_unit == 1,
        draws=1 if grid.groups is not None else plan.largest_unit,
        census=n_units if options.once else None,
    )

    def trials() -> Iterator[Planned]:
        within = (planned for planned, _ in zip(plan, range(n_units * plan.largest_unit), strict=False))
        return with_arms(within, arms) if several else within

    return Frame(
        design=design,
        trials=trials,
        max_trials=n_units,
        turns_per_unit=plan.largest_unit,
        arms=arms if several else (),
        unit=_unit(plan, several, grid, options),
        over=options.over,
        scope=_scope(n_units, several, grid, options),
    )


def _unit(plan: Plan, several: bool, grid: Grid, options: Options) -> UnitKind:
    if grid.groups is not None:
        return UnitKind.GROUP
    if plan.largest_unit > 1:
        return UnitKind.CASE
    if several:
        return UnitKind.PAIR
    return UnitKind.OUTCOME if options.once else UnitKind.TRIAL


def _scope(n_units: int, several: bool, grid: Grid, options: Options) -> str:
    paired = ", paired on the case" if several else ""
    if options.once:
        return f"these {n_units} recorded outcomes"
    if options.over is Over.CASES:
        return f"over these {n_units} cases{paired}"
    return ("beyond these cases (unit: group)" if grid.groups is not None else "beyond these cases") + paired


def _hypothesis(
    claim: AnyClaim, arms: tuple[str, ...], frame: Frame, cases: CaseSet, grid: Grid, options: Options
) -> Hypothesis:
    models = dict.fromkeys(grid.logs[arm].model for arm in arms if grid.logs[arm].model)
    return Hypothesis(
        node_id=name_of(claim, arms),
        belief=f"{claim}, judged on {'logs' if len(arms) > 1 else 'a log'}",
        claim=claim,
        frame=frame,
        stream=digest([grid.logs[arm].digest for arm in arms]),
        seed=options.seed,
        model=" and ".join(models) or None,
        limit=1,
        set_digest=cases.digest,
        body_digest="",
        body=_no_body,
        is_async=False,
        outcomes=_Nothing(),
        may_pay=False,
        rerun=options.rerun,
        notices=grid.notices,
        to_the_end=options.over is Over.POPULATION,
    )


def _trials(
    hypothesis: Hypothesis, arms: tuple[str, ...], grid: Grid, options: Options
) -> Iterator[Finished]:
    claim = hypothesis.claim
    chosen = {arm: scores_for(claim, grid.logs[arm], options.score) for arm in arms}
    for planned in hypothesis.frame.trials():
        arm = planned.arm or arms[0]
        sample = _sample(grid, arm, planned, options)
        yield Finished(planned=planned, record=_record(claim, planned, sample, chosen[arm]))


def _sample(grid: Grid, arm: str, planned: Planned, options: Options) -> Sample:
    name, draw = planned.case
    if draw:
        return grid.at(arm, name, int(draw))
    n_epochs = grid.n_epochs(arm)
    if options.over is Over.CASES and planned.repeat >= n_epochs:
        return Sample(id=name, invalid=f"picked more often than the log has draws of a sample ({n_epochs})")
    return grid.at(arm, name, planned.repeat)


def _record(claim: AnyClaim, planned: Planned, sample: Sample, scores: Mapping[str, str]) -> TrialRecord:
    outcome = outcome_of(sample, scores)
    return TrialRecord(
        index=planned.index,
        case_id=planned.case_id,
        repeat=planned.repeat,
        seed=0,
        arm=planned.arm,
        unit=planned.unit,
        unit_size=planned.unit_size,
        kind=_kind(claim, outcome.values, outcome.invalid),
        values=outcome.values,
        detail=outcome.invalid,
        location=sample.where,
        notes=tuple(_notes(sample)),
    )


def _kind(claim: AnyClaim, values: Mapping[str, float], invalid: str) -> OutcomeKind:
    if invalid:
        return OutcomeKind.INVALID
    statistic, *others = claim.statistics
    if others or not statistic.binary:
        return OutcomeKind.VALUE
    return OutcomeKind.ONE if values[statistic.name or ""] else OutcomeKind.ZERO


def _notes(sample: Sample) -> Iterator[str]:
    """Yield what was asked and answered, as far as the log tells and a reader can take in."""
    for name in ("input", "target", "output"):
        text = sample.fields.get(name)
        if text not in (None, "", [], {}):
            yield f"{name}: {str(text)[:_MOST_NOTE]}"


class _Nothing:
    """Stands for what a run of recorded outcomes never asks: draws, threads, the reading of bodies."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise AssertionError("recorded outcomes need no body")

    draw = call = crew = run_blocking = value = _refuse

    def exception(self, error: BaseException) -> Reading:
        """Take every exception as an error."""
        return Reading(error=error)


def _no_body(case: Any, arm: str, trial: Any) -> NoReturn:
    raise AssertionError("recorded outcomes need no body")
