"""The evidence of a recorded hypothesis, look by look: its trials are weighed again by the rule that decided.

A record has the trials and what the rule said in the end. Of its design it lacks a few numbers, such as the
horizon where cases ran out; those it may have had are tried. Where weighing again does not end at what is
recorded, nothing is shown of the rule: only the running estimate, which needs none. What was not computed is
never drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pytest_velo.baselines.older import NotComparable, with_units
from pytest_velo.baselines.written import claim_of
from pytest_velo.case_sets import Planned
from pytest_velo.claims import AnyClaim, Change
from pytest_velo.errors import VeloError
from pytest_velo.records import CovariateSeen, HypothesisResult, Invalid, TrialRecord, UnitKind
from pytest_velo.report.phrases import most_units
from pytest_velo.runner.evidence import Boundaries, Weigher
from pytest_velo.runner.frame import Foresight, Kinds
from pytest_velo.runner.labelled import RecordedLabels
from pytest_velo.runner.weigher import weigh
from pytest_velo.stats.engine.blocks import CENTRING
from pytest_velo.stats.engine.centred import Centring
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.learning import Learning
from pytest_velo.stats.rules.choice import MakeRule, rule_for
from pytest_velo.verdicts import Interval, Verdict

MOST_LOOKS = 120
_CLOSE = 1e-6
_NO_DESIGN = (VeloError, LookupError, ValueError, ArithmeticError)
"""What is raised where recorded numbers cannot have been those of a design."""
_MEANS = (UnitKind.CASE, UnitKind.GROUP, UnitKind.LABEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """How the evidence went.

    Attributes:
        n: The units at each look.
        estimates: The running estimate of each part of the claim, at each look; None before any valid unit.
        log_e: The log evidence for and against the claim at each look; empty for an estimate, and where the
            rule could not be followed.
        boundaries: The log evidence at which it is supported and refuted; None where the rule does not tell.
        followed: The rule was followed, and ended at what is recorded.
        intervals: The running interval of each part at each look, None where it was not computed; empty where
            none was asked for.
    """

    n: tuple[int, ...]
    estimates: tuple[tuple[float | None, ...], ...]
    log_e: tuple[tuple[float, float], ...] = ()
    boundaries: tuple[float, float] | None = None
    followed: bool = False
    intervals: tuple[tuple[Interval | None, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """As much of a hypothesis as a record holds."""

    claim: AnyClaim
    design: Design
    arms: tuple[str, ...]
    invalid: Invalid
    reference: Sequence[float | None] | None = None
    make_rule: MakeRule = rule_for
    foresight: Foresight | None = None
    labelling: RecordedLabels | None = None


def path_of(result: HypothesisResult, *, intervals: int = 0) -> Path | None:
    """Return the path of a result with its trials; None where the record does not tell.

    It takes some milliseconds, up to a second where a calibrated threshold is new to this process, and some
    where the limits of a narrow estimate with invalid trials are.
    `intervals` is how many looks get their running interval, each for up to 50 ms more.
    """
    claim = claim_of(result.claim)
    if claim is None or result.decision is None or not result.trials:
        return None
    if any(isinstance(statistic, Change) for statistic in claim.statistics):
        return None  # its other side is in the file of baselines
    try:
        known = with_units(result)
        designs = [*_designs(known)]
    except (NotComparable, *_NO_DESIGN):
        return None
    estimated = None
    for design in designs:
        try:
            followed = _followed(known, claim, design, intervals)
        except _NO_DESIGN:
            continue  # another design, or outcomes that this claim is not about
        if followed.is_recorded(known):
            return followed.path
        if followed.has_estimates(known):
            estimated = followed.path
    return (
        None
        if estimated is None
        else replace(estimated, log_e=(), boundaries=None, followed=False, intervals=())
    )


def _designs(result: HypothesisResult) -> Iterator[Design]:
    """Yield the designs that the record leaves possible, the likely one first."""
    assert result.decision is not None  # the caller looked
    n_arms = len({trial.arm for trial in result.trials})
    size = max((trial.unit_size or 1 for trial in result.trials), default=1) // n_arms
    decision = result.decision
    n_trials, n_units = len(result.trials), decision.evidence.n
    saved = (n_trials + decision.n_saved) * n_units // n_trials if decision.n_saved else n_units
    centring = _centring(result)
    for horizon in dict.fromkeys((most_units(result), saved)):
        for extend in (False, True):
            yield Design(
                alpha=result.alpha,
                beta=result.beta,
                max_units=max(1, horizon),
                margin=result.margin,
                single=result.unit not in _MEANS,
                extend=extend,
                draws=size if result.unit is UnitKind.CASE else 1,
                census=result.max_trials if result.unit is UnitKind.OUTCOME else None,
                centring=centring,
                explained=1.0,  # it was used
            )


def _centring(result: HypothesisResult) -> Centring | None:
    covariate = result.covariate
    if result.truth is not None:
        return CENTRING
    if covariate is None or not covariate.used:
        return None
    return Centring(covariate.low, covariate.high, covariate.variance, learning=_learning(covariate))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """A path with what the rule says at its end."""

    path: Path
    verdict: Verdict
    end: Boundaries | None
    evidence: tuple[float, float] | None
    n_weighed: int

    def has_estimates(self, result: HypothesisResult) -> bool:
        """Tell whether the estimates end at what is recorded; they need no rule."""
        assert result.decision is not None  # the caller looked
        decision = result.decision
        recorded = [part.estimate for part in decision.parts] or [decision.evidence.estimate]
        if not self.path.n or self.path.n[-1] != decision.evidence.n:
            return False
        return all(map(_alike, (estimates[-1] for estimates in self.path.estimates), recorded))

    def is_recorded(self, result: HypothesisResult) -> bool:
        """Tell whether the rule ended at what is recorded."""
        assert result.decision is not None  # the caller looked
        evidence = result.decision.evidence
        if self.n_weighed != evidence.n:
            return False  # it would have ended sooner: another version's rule decided
        by_steps = result.family is not None and result.family.by_steps  # a verdict of the whole family
        if not self.has_estimates(result) or not (by_steps or self.verdict is result.decision.verdict):
            return False
        if self.evidence is None:
            return evidence.log_e_support is None
        pairs = [*zip(self.evidence, (evidence.log_e_support, evidence.log_e_refute), strict=True)]
        if self.end is not None:
            pairs += [(self.end.p_support, evidence.p_support), (self.end.p_refute, evidence.p_refute)]
        return all(_alike(ours, theirs) for ours, theirs in pairs)


def _learning(covariate: CovariateSeen) -> Learning | None:
    """Return what a record tells of learning: enough for the evidence, which hears of no other kinds."""
    shares = covariate.shares
    if not shares:
        return None
    return Learning(min(shares.values()), len(shares), covariate.expected**2)


def _foresight(covariate: CovariateSeen | None) -> Foresight | None:
    """Return what a recorded covariate told of each case."""
    if covariate is None:
        return None
    if covariate.kinds is None or covariate.shares is None:
        return covariate.centres
    return Kinds(of_cases=covariate.kinds, shares=covariate.shares)


def _followed(result: HypothesisResult, claim: AnyClaim, design: Design, intervals: int) -> _Followed:
    """Weigh the trials again, up to the verdict."""
    arms = tuple(dict.fromkeys(trial.arm for trial in result.trials if trial.arm))
    invalid = result.invalid or Invalid.BOUND
    weigher = weigh(
        _Recorded(
            claim=claim,
            design=design,
            arms=arms,
            invalid=invalid,
            foresight=_foresight(result.covariate),
            labelling=_labelling(result),
        )
    )
    trials = iter(sorted(result.trials, key=lambda trial: trial.index))
    assert result.decision is not None  # the caller looked
    last = result.decision.evidence.n
    every = math.ceil(max(1, last) / MOST_LOOKS)
    verdict, looks = _decided(weigher, trials, every, math.ceil(max(1, last) / intervals) if intervals else 0)
    looks += _sooner(weigher, trials, last, every)
    end = weigher.boundaries()
    path = Path(
        n=tuple(look.n for look in looks),
        estimates=tuple(zip(*(look.estimates for look in looks), strict=True)),
        log_e=tuple(look.log_e for look in looks if look.log_e is not None),
        boundaries=None if end is None else (end.support, end.refute),
        followed=True,
        intervals=tuple(zip(*(look.intervals for look in looks), strict=True)) if intervals else (),
    )
    return _Followed(
        path=path,
        verdict=verdict or Verdict.INCONCLUSIVE,
        end=end,
        evidence=weigher.log_e(),
        n_weighed=weigher.n,
    )


def _decided(
    weigher: Weigher, trials: Iterator[TrialRecord], every: int, every_interval: int
) -> tuple[Verdict | None, list[_Look]]:
    """Weigh trials up to the verdict; look after `every` units, and at the end.

    An interval takes long to compute, so it is there after `every_interval` units only; 0 for never.
    """
    looks: list[_Look] = []
    verdict: Verdict | None = None
    for trial in trials:
        verdict = weigher.add(trial, _planned(trial, len(weigher.units.turns)))
        seen = looks[-1].n if looks else 0
        if weigher.n > seen and (weigher.n % every == 0 or verdict is not None):
            due = every_interval and (verdict is not None or weigher.n % every_interval < every)
            looks.append(_look(weigher, bool(due)))
        if verdict is not None:
            break
    if looks and weigher.n > looks[-1].n:
        looks.append(_look(weigher, bool(every_interval)))
    return verdict, looks


def _sooner(weigher: Weigher, rest: Iterator[TrialRecord], last: int, every: int) -> Iterator[_Look]:
    """Yield the estimates up to the last recorded unit, where the rule has ended before it."""
    n = weigher.n
    if weigher.labelled is not None:
        return  # its units come of the labels that the rule asked for
    for trial in rest:
        if n >= last:
            return
        planned = _planned(trial, len(weigher.units.turns))
        if all(unit is None for unit in [units.add(trial, planned) for units in weigher.all_units]):
            continue
        n += 1
        if n == last or n % every == 0:
            yield _Look(n, tuple(units.estimate for units in weigher.all_units), None)


class _Look(NamedTuple):
    n: int
    estimates: tuple[float | None, ...]
    log_e: tuple[float, float] | None
    intervals: tuple[Interval | None, ...] = ()


def _look(weigher: Weigher, interval: bool) -> _Look:
    estimates = tuple(units.estimate for units in weigher.all_units)
    ends: tuple[Interval | None, ...] = (None,) * len(estimates)
    if interval:
        ends = tuple(part.interval for part in weigher.parts()) or (weigher.bounds()[2],)
    return _Look(weigher.n, estimates, weigher.log_e(), ends)


def _labelling(result: HypothesisResult) -> RecordedLabels | None:
    truth = result.truth
    if truth is None:
        return None
    size = truth.every
    by_block = {index // size: index for index in truth.labels}
    n_blocks = len(result.trials) // size + 1
    chosen = [by_block.get(block, block * size) for block in range(n_blocks)]
    return RecordedLabels(every=size, chosen=chosen, labels=truth.labels)


def _planned(trial: TrialRecord, turn: int) -> Planned:
    return Planned(
        index=trial.index,
        turn=turn,
        unit=trial.unit or 0,
        case=None,
        case_digest="",
        case_id=trial.case_id,
        repeat=trial.repeat,
        unit_size=trial.unit_size or 1,
        arm=trial.arm,
    )


def _alike(ours: float | None, theirs: float | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return math.isclose(ours, theirs, rel_tol=_CLOSE, abs_tol=_CLOSE)
