"""A ranking while it is sampled: rounds of trials become the standing of its arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_velo.case_sets import Planned
from pytest_velo.claims import Ranking
from pytest_velo.records import Invalid, OutcomeKind, TrialRecord
from pytest_velo.runner.distance import Distance
from pytest_velo.runner.units import Units
from pytest_velo.runner.without_evidence import OfSeveral
from pytest_velo.stats import contest
from pytest_velo.stats.engine.design import Design
from pytest_velo.verdicts import Interval, RankedArm, Standings, Verdict


class Ranked(Protocol):
    """What is ranked: a hypothesis, or as much of one as a record holds."""

    @property
    def design(self) -> Design:
        """What the rule is made from."""
        ...

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms."""
        ...

    @property
    def invalid(self) -> Invalid:
        """How invalid trials count."""
        ...


class RankingWeigher(OfSeveral):
    """The question which of many arms is the best. An invalid trial counts for and against nobody.

    Of a pair, an invalid outcome is whatever is worse for what would be said of it: under `bound` it may have
    been anything, under `against` it is the worst there is, and under `exclude` the round says nothing of
    this arm.
    """

    def __init__(self, hypothesis: Ranked, claim: Ranking) -> None:
        self._claim = claim
        self._arms = hypothesis.arms
        self._invalid = hypothesis.invalid
        self._design = hypothesis.design
        self._rule = contest.RankingRule(claim, hypothesis.arms, hypothesis.design)
        self._round: dict[int, tuple[float, float] | None] = {}
        self._sums = [0.0] * len(self._arms)
        self._n_valid = [0] * len(self._arms)
        self._n_invalid = [0] * len(self._arms)
        self._known: tuple[int, Standings] | None = None
        self.units = Units(claim.of, invalid=hypothesis.invalid, worst=1.0 if claim.lowest else 0.0)
        self.all_units: Sequence[Units] = (self.units,)
        self.min_more = self._rule.min_more
        self.expected_more = self._rule.expected_more

    @property
    def n(self) -> int:
        """Rounds weighed."""
        return self._rule.n

    @property
    def in_play(self) -> tuple[int, ...]:
        """The places of the arms that the next round draws."""
        return self._rule.in_play

    @property
    def kind(self) -> str:
        """Where the thresholds come from."""
        return self._rule.kind

    def add(self, record: TrialRecord, planned: Planned) -> Verdict | None:
        """Take in the next trial; a round is weighed when all of its arms are in."""
        self.units.add(record, planned)
        arm = self._arms.index(record.arm)
        self._round[arm] = self._bounds(record, arm)
        if len(self._round) < planned.unit_size:
            return None
        bounds, self._round = self._round, {}
        return self._rule.feed(bounds)

    def _bounds(self, record: TrialRecord, arm: int) -> tuple[float, float] | None:
        """Return an outcome's bounds on the scale [0, 1], where more is better; None if it is left out."""
        if record.kind is OutcomeKind.INVALID:
            self._n_invalid[arm] += 1
            match self._invalid:
                case Invalid.EXCLUDE:
                    return None
                case Invalid.AGAINST:
                    return 0.0, 0.0
                case Invalid.BOUND:
                    return 0.0, 1.0
        value = record.values[self._claim.of.name or ""]
        self._sums[arm] += value
        self._n_valid[arm] += 1
        unit = self._claim.of.scale.to_unit(value)
        unit = 1.0 - unit if self._claim.lowest else unit
        return unit, unit

    def n_needed(self) -> int | None:
        """Guess the rounds in all, if the evidence goes on as it did; None once nothing is open."""
        return self._rule.rounds_in_sight()

    def distances(self) -> list[Distance]:
        """Return 0 for each valid trial: none contradicts a question."""
        return [None if turn.value is None else 0.0 for turn in self.units.turns]

    def certified(self, verdict: Verdict) -> str:
        """Return what a verdict says about the arms."""
        claim = self._claim
        margin = f", within {self._design.margin:g}" if self._design.margin else ""
        what = f"{'lowest' if claim.lowest else 'highest'} {claim.of}"
        match verdict:
            case Verdict.SUPPORTED if claim.top > 1:
                return f"the {claim.top} with the {what}: {self._listed(self._rule.winners)}"
            case Verdict.SUPPORTED:
                return f"{self._listed(self._rule.winners)} has the {what}{margin}"
            case Verdict.REFUTED:
                return f"{claim.best} does not have the {what}"
            case Verdict.INCONCLUSIVE | Verdict.MEASURED:
                standings = self.standings()
                left = [arm.name for arm in standings.arms if arm.may_win]
                may = f"be among the {claim.top} with" if claim.top > 1 else "have"
                return f"not settled: {len(left)} of {len(self._arms)} may {may} the {what}{margin}"

    def _listed(self, arms: Sequence[int]) -> str:
        return ", ".join(self._arms[arm] for arm in arms)

    def standings(self) -> Standings:
        """Return where every arm stands, the best first; computed once for as many rounds as were weighed."""
        if self._known is None or self._known[0] != self.n:
            found = [self._arm(arm, place) for arm, place in enumerate(self._rule.places())]
            sign = 1.0 if self._claim.lowest else -1.0
            found.sort(
                key=lambda arm: (
                    not arm.may_win,
                    arm.low + arm.high,
                    arm.estimate is None,
                    0.0 if arm.estimate is None else sign * arm.estimate,
                )
            )
            winners = tuple(self._arms[arm] for arm in self._rule.winners)
            self._known = self.n, Standings(top=self._claim.top, winners=winners, arms=tuple(found))
        return self._known[1]

    def _arm(self, arm: int, place: contest.Place) -> RankedArm:
        n = self._n_valid[arm]
        return RankedArm(
            name=self._arms[arm],
            low=place.low,
            high=place.high,
            may_win=place.may_win,
            n=n,
            n_invalid=self._n_invalid[arm],
            estimate=self._sums[arm] / n if n else None,
            interval=None if place.interval is None else self._in_own_units(place.interval),
        )

    def _in_own_units(self, ends: Interval) -> Interval:
        low, high = (1.0 - ends.high, 1.0 - ends.low) if self._claim.lowest else (ends.low, ends.high)
        scale = self._claim.of.scale
        return Interval(low=scale.from_unit(low), high=scale.from_unit(high), level=ends.level)
