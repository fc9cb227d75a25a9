"""The shipped rules on simulated units, fed as a run feeds them, with giving up and without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean

from compared.kinds import ALPHA, MAX_TRIALS, OURS, PATIENT, Law
from pytest_velo.claims import Claim
from pytest_velo.stats.engine.centred import Centring
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.engine.learning import Learner
from pytest_velo.stats.rules.centred import CentredRule
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit on the scale [0, 1], with what a covariate said of it before.

    Attributes:
        value: The outcome.
        centre: What was foreseen of it.
        ends: The least and the most that could have been foreseen, where that is the unit's own.
    """

    value: float
    centre: float = 0.0
    ends: tuple[float, float] | None = None


def learned_units(cases: Iterable[int], values: Iterable[float], n_cases: int) -> Iterator[Unit]:
    """Yield the outcomes of cases that are picked from a list, each foreseen by what came before it.

    Args:
        cases: Which case is picked, unit by unit.
        values: What it comes out as.
        n_cases: Of the list, each as likely to be picked as any other.
    """
    learner, share = Learner(), 1.0 / n_cases
    for case, value in zip(cases, values, strict=True):
        own, low, high = learner.foresee(str(case))
        yield Unit(value=value, centre=own, ends=(low, high))
        learner.learn(str(case), share, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How one sequence of units ended.

    Attributes:
        verdict: Of the rule that never gives up; None without one.
        n: Units that it took.
        gave_up: At how many units a run gives up before that; None if it does not.
    """

    verdict: Verdict | None
    n: int
    gave_up: int | None

    @property
    def taken(self) -> int:
        """Units that a run takes."""
        return self.n if self.gave_up is None else self.gave_up

    @property
    def reached(self) -> Verdict | None:
        """The verdict of a run."""
        return self.verdict if self.gave_up is None else None


def followed(
    claim: Claim, units: Iterable[Unit], centring: Centring | None = None, explained: float = 0.0
) -> Followed:
    """Feed the rule that ships for a claim, until its verdict or the last unit."""
    design = Design(alpha=ALPHA, beta=ALPHA, max_units=MAX_TRIALS, centring=centring, explained=explained)
    rule, futility = rule_for(claim, design), usual_futility(MAX_TRIALS)
    looks = frozenset(futility.looks(MAX_TRIALS))
    verdict, gave_up = None, None
    for unit in units:
        if isinstance(rule, CentredRule):
            rule.foresee(unit.centre, unit.ends)
        verdict = rule.feed(unit.value, unit.value)
        if verdict is not None or rule.n == MAX_TRIALS:
            break
        if gave_up is None and rule.n in looks and rule.predictive_probability() < futility.below:
            gave_up = rule.n
    return Followed(verdict=verdict, n=rule.n, gave_up=gave_up)


def laws_of(runs: list[Followed], right: Verdict) -> dict[str, Law]:
    """Return what a run does, and what the rule does that never gives up."""
    return {
        OURS: Law(trials=fmean(run.taken for run in runs), right=fmean(run.reached is right for run in runs)),
        PATIENT: Law(trials=fmean(run.n for run in runs), right=fmean(run.verdict is right for run in runs)),
    }


def wrong_of(runs: list[Followed]) -> dict[str, float]:
    """Return how often either is wrong where both verdicts are; the larger share of the two."""
    return {
        OURS: max(fmean(run.reached is verdict for run in runs) for verdict in _VERDICTS),
        PATIENT: max(fmean(run.verdict is verdict for run in runs) for verdict in _VERDICTS),
    }


_VERDICTS = (Verdict.SUPPORTED, Verdict.REFUTED)
