"""The weighers of one claim, of several that must all hold, and of an estimate; `weigh` chooses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import partial
from typing import NamedTuple, assert_never

from pytest_velo.case_sets import Planned
from pytest_velo.claims import Claim, Direction, EachCase, Estimation, Joint, Ranking, Statistic
from pytest_velo.errors import UsageError
from pytest_velo.records import Invalid, TrialRecord
from pytest_velo.runner.beside import Beside
from pytest_velo.runner.distance import Distance, wrong_by
from pytest_velo.runner.evidence import Boundaries, Weighed, Weigher, WeighsAtOnce
from pytest_velo.runner.labelled import Labelled
from pytest_velo.runner.ranked import RankingWeigher
from pytest_velo.runner.units import Units
from pytest_velo.runner.without_evidence import WithoutEvidence
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.planning.sight import Observed, units_in_sight, units_in_sight_of_all
from pytest_velo.stats.rules.centred import CentredRule
from pytest_velo.stats.rules.centred_estimate import CentredEstimate
from pytest_velo.stats.rules.choice import HasBoundaries, Rule, rule_for
from pytest_velo.stats.rules.estimate import EstimateRule, make_estimate
from pytest_velo.stats.rules.interval import HasIntervalAtStop, Reported, drifts, reported
from pytest_velo.stats.rules.joint import JointRule, Part, make_joint_rule
from pytest_velo.verdicts import Interval, PartVerdict, Verdict


def weigh(hypothesis: Weighed) -> Weigher:
    """Return a fresh weigher for what the hypothesis claims.

    Raises:
        UsageError: Its numbers are outside their ranges.
    """
    claim = hypothesis.claim
    match claim:
        case Claim():
            return OneClaim(hypothesis, claim)
        case Joint():
            return AllClaims(hypothesis, claim)
        case Estimation():
            return Measuring(hypothesis, claim)
        case Ranking():
            return RankingWeigher(hypothesis, claim)
        case EachCase():
            raise UsageError(
                "a search chose its cases by their outcomes, so its trials are no evidence by themselves",
                fix="run it again, or claim a rate over the cases that it saved",
            )
    assert_never(claim)


class _Bounds(NamedTuple):
    """Both p-values, and the interval that is reported."""

    p_support: float
    p_refute: float
    reported: Reported


class OneClaim(WeighsAtOnce):
    """A claim about one statistic."""

    def __init__(self, hypothesis: Weighed, claim: Claim) -> None:
        self._claim = claim
        self._hypothesis = hypothesis
        self.labelled = _labelled(hypothesis, claim.statistic, claim.direction)
        self.units = (
            self.labelled.units if self.labelled else _units(hypothesis, claim.statistic, claim.direction)
        )
        self.all_units = (self.units,)
        self._rule: Rule = hypothesis.make_rule(claim, hypothesis.design)
        self.predictive_probability = self._rule.predictive_probability
        self.certified = self._rule.certified
        self._known: tuple[int, _Bounds] | None = None
        self.beside = None if hypothesis.foresight is None else Beside(hypothesis.foresight)

    @property
    def n(self) -> int:
        """Units fed."""
        return self._rule.n

    @property
    def kind(self) -> str:
        """Where the thresholds come from."""
        return self._rule.kind

    def min_more(self) -> int:
        """Return a number of further units before which no verdict can come."""
        return _further(self.labelled, self._rule.min_more())

    def expected_more(self) -> int:
        """Guess how many further units the verdict needs."""
        return _further(self.labelled, self._rule.expected_more())

    def boundaries(self) -> Boundaries | None:
        """Return where the rule decides, if it tells."""
        if not isinstance(self._rule, HasBoundaries):
            return None
        return Boundaries(*self._rule.boundaries(), *self._rule.p_values())

    def bounds(self) -> tuple[float, float, Interval | None]:
        """Return both p-values and the interval."""
        p_support, p_refute, found = self._bounds()
        return p_support, p_refute, found.interval

    def drifts(self) -> bool:
        """Tell whether the units hardly have one mean; outcomes of a list, each once, need not."""
        excluded = self._bounds().reported.excluded
        return excluded and self._hypothesis.design.census is None and drifts(*self.units.bounds)

    def _bounds(self) -> _Bounds:
        """Return the p-values and what is reported, computed once for as many units as were fed.

        An interval takes tens of milliseconds: more than all else that a hypothesis of a few trials costs.
        """
        if self._known is None or self._known[0] != self.n:
            p_support, p_refute, running = self._rule.evidence_bounds()
            at_stop = self._rule.interval_at_stop if isinstance(self._rule, HasIntervalAtStop) else None
            found = reported(running, self.units.estimate, at_stop)
            self._known = self.n, _Bounds(p_support, p_refute, found)
        return self._known[1]

    def add(self, record: TrialRecord, planned: Planned) -> Verdict | None:
        """Take in the next trial."""
        if self.labelled is not None:
            return self._add_labelled(self.labelled, record, planned)
        unit = self.units.add(record, planned)
        if unit is None:
            return None
        if self.beside is not None:  # all trials of a unit have the same case
            if isinstance(self._rule, CentredRule):
                self._rule.foresee(*self.beside.foresee(planned.case_id))
            self.beside.add_unit(planned.case_id, *unit)
        return self._rule.feed(*unit)

    def _add_labelled(self, labelled: Labelled, record: TrialRecord, planned: Planned) -> Verdict | None:
        assert isinstance(self._rule, CentredRule)  # the design has the centring of blocks
        unit = labelled.add(record, planned)
        if unit is None:
            _ask_for_more(labelled, self._rule, self._hypothesis.design)
            return None
        self._rule.foresee(unit.centre, unit.ends)
        return self._rule.feed(*unit.bounds)

    def log_e(self) -> tuple[float, float]:
        """Return the log evidence for and against the claim."""
        return self._rule.log_e_support, self._rule.log_e_refute

    @staticmethod
    def parts() -> tuple[PartVerdict, ...]:
        """Return nothing: it has no parts."""
        return ()

    def distances(self) -> list[Distance]:
        """Return for each turn how far it speaks against the claim."""
        return wrong_by(self._claim, self.units)

    def n_needed(self) -> int | None:
        """Guess from the drift of the evidence at the observed mean."""
        design, ours = self._hypothesis.design, self._hypothesis.make_rule is rule_for
        if not ours or design.census is not None or not self.units.moments[0]:
            return None
        seen = _observed(self.units, *self.log_e())
        if self.labelled is not None:
            seen = replace(seen, variance=seen.variance * (1.0 - self.labelled.explained))
        elif self.beside is not None and isinstance(self._rule, CentredRule):
            seen = replace(seen, variance=seen.variance * (1.0 - self.beside.squared))
        nulls = nulls_of(self._claim, design.margin)
        return _whole(units_in_sight(nulls, seen, alpha=design.alpha, beta=design.beta))


class AllClaims(WeighsAtOnce):
    """Several claims about outcomes of the same trials, all of which must hold."""

    beside = None
    labelled = None

    def __init__(self, hypothesis: Weighed, claim: Joint) -> None:
        self._parts = [_units(hypothesis, part.statistic, part.direction) for part in claim.parts]
        self._design = hypothesis.design
        self._rule: JointRule = make_joint_rule(claim, hypothesis.design)
        self.min_more = self._rule.min_more
        self.expected_more = self._rule.expected_more
        self.predictive_probability = self._rule.predictive_probability
        self.certified = self._rule.certified

    @property
    def units(self) -> Units:
        """The units of the first part; the trials are the same in all."""
        return self._parts[0]

    @property
    def all_units(self) -> Sequence[Units]:
        """The units of each part."""
        return self._parts

    @property
    def n(self) -> int:
        """Units fed."""
        return self._rule.n

    @property
    def kind(self) -> str:
        """`calibrated` if every part is."""
        return self._rule.kind

    def add(self, record: TrialRecord, planned: Planned) -> Verdict | None:
        """Take in the next trial: one outcome for each part. An invalid trial is invalid in all."""
        unit = [units.add(record, planned) for units in self._parts]
        return None if all(bounds is None for bounds in unit) else self._rule.feed(unit)

    def log_e(self) -> tuple[float, float]:
        """Return the log evidence for and against the claim."""
        return self._rule.log_e_support, self._rule.log_e_refute

    @staticmethod
    def boundaries() -> None:
        """Return None: each part has its own, and some of them pool their evidence."""
        return

    def bounds(self) -> tuple[float, float, None]:
        """Return both p-values; the intervals are those of the parts."""
        p_support, p_refute, _ = self._rule.evidence_bounds()
        return p_support, p_refute, None

    def drifts(self) -> bool:
        """Tell whether the units of any part hardly have one mean."""
        return any(
            self._reported(part, units).excluded and drifts(*units.bounds)
            for part, units in zip(self._rule.parts, self._parts, strict=True)
        )

    def _reported(self, part: Part, units: Units) -> Reported:
        running = part.interval() if self.n else None
        return reported(running, units.estimate, partial(part.interval, at_stop=True))

    def parts(self) -> tuple[PartVerdict, ...]:
        """Return the verdict of each part."""
        return tuple(
            PartVerdict(
                claim=str(part.claim),
                verdict=part.verdict,
                certified=part.certified(),
                estimate=units.estimate,
                interval=self._reported(part, units).interval,
            )
            for part, units in zip(self._rule.parts, self._parts, strict=True)
        )

    def distances(self) -> list[Distance]:
        """Return how far each turn speaks against the part that it contradicts most."""
        each = [
            wrong_by(part.claim, units) for part, units in zip(self._rule.parts, self._parts, strict=True)
        ]
        return [
            None if None in turn else max(distance for distance in turn if distance is not None)
            for turn in zip(*each, strict=True)
        ]

    def n_needed(self) -> int | None:
        """Guess from the drift of each part's evidence at its observed mean."""
        if not self.units.moments[0]:
            return None
        parts = [
            (part.nulls, _observed(units, part.log_e_support, part.refute.log_e))
            for part, units in zip(self._rule.parts, self._parts, strict=True)
        ]
        return _whole(units_in_sight_of_all(parts, alpha=self._design.alpha, beta=self._design.beta))


class Measuring(WithoutEvidence):
    """An estimate, sampled until its interval is tight enough or to the last unit."""

    def __init__(self, hypothesis: Weighed, estimation: Estimation) -> None:
        statistic, design = estimation.statistic, hypothesis.design
        self.labelled = _labelled(hypothesis, statistic, None)
        self.units = self.labelled.units if self.labelled else _units(hypothesis, statistic, None)
        self.all_units = (self.units,)
        self._estimation = estimation
        self._design = design
        may_be_open = hypothesis.invalid is not Invalid.EXCLUDE
        self._rule: EstimateRule | CentredEstimate = (
            CentredEstimate(statistic, estimation.halfwidth, design)
            if self.labelled
            else make_estimate(statistic, estimation.halfwidth, design, may_be_open=may_be_open)
        )

    @property
    def is_ready(self) -> bool:
        """The next trial can be weighed at once."""
        return not isinstance(self._rule, EstimateRule) or self._rule.is_ready

    def get_ready(self) -> None:
        """Compute what trials are weighed with after an invalid one, on any thread; else `add` does."""
        if isinstance(self._rule, EstimateRule):
            self._rule.get_ready()

    def min_more(self) -> int:
        """Return a number of further units before which it cannot be measured."""
        return _further(self.labelled, self._rule.min_more())

    def expected_more(self) -> int:
        """Guess how many further units it needs."""
        return _further(self.labelled, self._rule.expected_more())

    @property
    def n(self) -> int:
        """Units fed."""
        return self._rule.n

    @property
    def kind(self) -> str:
        """Where the limits come from."""
        return self._rule.kind

    def add(self, record: TrialRecord, planned: Planned) -> Verdict | None:
        """Take in the next trial."""
        if self.labelled is not None:
            return self._add_labelled(self.labelled, record, planned)
        assert isinstance(self._rule, EstimateRule)  # as it was made
        unit = self.units.add(record, planned)
        return Verdict.MEASURED if unit is not None and self._rule.feed(*unit) else None

    def _add_labelled(self, labelled: Labelled, record: TrialRecord, planned: Planned) -> Verdict | None:
        assert isinstance(self._rule, CentredEstimate)  # as it was made
        unit = labelled.add(record, planned)
        if unit is None:
            _ask_for_more(labelled, self._rule, self._design)
            return None
        return Verdict.MEASURED if self._rule.feed(unit.bounds, unit.centre, unit.ends) else None

    def bounds(self) -> tuple[None, None, Interval | None]:
        """Return the interval."""
        return None, None, self._reported().interval

    def drifts(self) -> bool:
        """Tell whether the units hardly have one mean."""
        return (self._rule.excluded or self._reported().excluded) and drifts(*self.units.bounds)

    def _reported(self) -> Reported:
        return reported(self._rule.interval() if self.n else None, self.units.estimate, None)

    @property
    def interval_of(self) -> str | None:
        """Which interval is reported and why, in words; None before any unit."""
        return self._rule.interval_of if self.n else None

    def certified(self, verdict: Verdict) -> str:
        """Return the two-sided inequality for the number, if it is measured."""
        if verdict is not Verdict.MEASURED:
            return f"not measured: {self._estimation}"
        ends = self._reported().interval or self._rule.interval()
        low, high = _rounded(ends.low, ROUND_FLOOR), _rounded(ends.high, ROUND_CEILING)
        return f"{low} <= {self._estimation.statistic} <= {high}"

    def distances(self) -> list[Distance]:
        """Return 0 for each valid turn: none contradicts an estimate."""
        return [None if turn.value is None else 0.0 for turn in self.units.turns]

    def n_needed(self) -> int | None:
        """Guess from the interval, whose width is about proportional to one over the root of n.

        But for what invalid trials leave open: no further trial closes that.
        """
        goal = self._estimation.halfwidth
        if goal is None or self.n == 0 or self._rule.measured:
            return None
        span = self._estimation.statistic.scale.span
        left_open = 0.0 if self.labelled else self.units.open_share / 2 * span
        if left_open >= goal:
            return None
        ends = self._rule.interval()
        return math.ceil(self.n * (((ends.high - ends.low) / 2 - left_open) / (goal - left_open)) ** 2)


def _rounded(end: float, direction: str) -> str:
    """Format an end of an interval to three digits, away from the other so that no more is certified."""
    exact = Decimal(repr(round(end, 12)))  # an end at 0.3 may be stored as 0.30000000000000004
    return f"{float(Context(prec=3, rounding=direction).plus(exact)):g}"


def _labelled(hypothesis: Weighed, statistic: Statistic, direction: Direction | None) -> Labelled | None:
    if hypothesis.labelling is None:
        return None
    return Labelled(hypothesis.labelling, statistic, hypothesis.invalid, direction)


def _further(labelled: Labelled | None, units: int) -> int:
    """Return how many further units are wanted: those of the rule, or those that people are to label."""
    return units if labelled is None else labelled.further(units)


def _ask_for_more(labelled: Labelled, rule: Rule | CentredEstimate, design: Design) -> None:
    """When the labels have run out, settle how many trials are made ready for labelling."""
    if labelled.n_waiting == 1:
        labelled.expect(rule.expected_more(), design.max_units - rule.n)


def _observed(units: Units, log_e_support: float, log_e_refute: float) -> Observed:
    """Return what units show; a share of invalid ones may have come out either way."""
    n, mean, variance = units.moments
    half = units.open_share / 2
    return Observed(
        n=n,
        low=max(0.0, mean - half),
        high=min(1.0, mean + half),
        variance=variance,
        log_e_support=log_e_support,
        log_e_refute=log_e_refute,
    )


def _whole(n_units: float) -> int | None:
    return None if math.isinf(n_units) else math.ceil(n_units)


def _units(hypothesis: Weighed, statistic: Statistic, direction: Direction | None) -> Units:
    return Units(
        statistic,
        n_arms=max(1, len(hypothesis.arms)),
        invalid=hypothesis.invalid,
        worst=1.0 if direction is Direction.AT_MOST else 0.0,
        reference=hypothesis.reference,
    )
