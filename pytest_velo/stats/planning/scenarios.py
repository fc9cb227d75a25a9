"""The assumptions a claim's design is planned under, and the law under each.

A rate of single trials needs no assumption. Pairs need to know how often the two differ, and everything else
that is not a 0/1 trial how much its units vary; for those the worst case and a typical case are shown side by
side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_velo.claims import Claim, Direction, Statistic
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.learning import Learning
from pytest_velo.stats.planning.clusters import Clusters, Likeness, laws_at, likenesses
from pytest_velo.stats.planning.law import (
    BY_SIMULATION,
    IN_CLOSED_FORM,
    Law,
    Search,
    approximate_law,
    pair_laws,
)
from pytest_velo.stats.planning.law_census import census_law
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.rules.centred import is_centred
from pytest_velo.stats.rules.rate import make_rate_rule

if TYPE_CHECKING:
    from pytest_velo.stats.engine.futility import Futility

USUAL_SHARE_OF_RANGE = 0.25
"""The typical standard deviation of scores, as a share of their range (the widest is assumed too)."""

MAX_EXACT_UNITS = 10_000
"""Beyond this horizon the exact law of a rate takes many seconds, so it is approximated."""

DISCORDANT: dict[str, Callable[[float], float]] = {
    "the outcomes of every pair differ (the worst case)": lambda truth: 1.0,
    "the two outcomes are independent, with rates around 0.5": lambda truth: (1.0 + truth * truth) / 2.0,
}
"""Assumptions about pairs of 0/1 outcomes: the share that differ, as a function of the true difference."""

_MOST = 0.99
"""A covariate leaves some variance, whatever is expected of it."""

_HALVINGS = 12

Deviation = Callable[[float], float]
"""A unit's standard deviation as a function of the truth, both in the statistic's own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a design does at every truth, under one assumption.

    Attributes:
        assuming: What is assumed in addition to the truth; empty if nothing is.
        exact: The probabilities are exact, not approximate.
        stops_early: The mean counts that a run gives up when a verdict has become unlikely; otherwise it is
            what the verdict alone would take, too high near the threshold.
        law: The probabilities of the verdicts and the mean number of units.
        search: How truths are looked for with it.
    """

    assuming: str
    exact: bool
    stops_early: bool
    law: Law
    search: Search = IN_CLOSED_FORM

    @property
    def simulated(self) -> bool:
        """Whether the probabilities are the shares of many simulated runs."""
        return self.search is BY_SIMULATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What is known of how much units vary, so that nothing has to be assumed about it.

    Attributes:
        differ: How often the two outcomes of a pair differ, in (0, 1]; None for units that are no pairs of
            0/1 outcomes.
        deviation: The standard deviation of other units, in the statistic's own units; None likewise.
        told: What it says, to follow `assuming that`.
    """

    differ: float | None = None
    deviation: float | None = None
    told: str

    def share(self, truth: float) -> float:
        """Return how often pairs differ at a true difference, which is at least as often."""
        assert self.differ is not None  # the caller looked
        return max(self.differ, abs(truth))


def scenarios_of(
    claim: Claim,
    design: Design,
    futility: Futility,
    spread: Spread | None = None,
    units: Clusters | None = None,
) -> tuple[Scenario, ...]:
    """Return the scenarios a claim is planned under: one where the spread of its units is known.

    `units` are those that are means of trials; without them it is approximate how they are.

    Raises:
        UsageError: A number of the design is outside its range.
    """
    statistic = claim.statistic
    if design.census is not None:
        return (_census(claim, design, futility),)
    if is_centred(claim, design):
        single = (
            replace(design, single=True) if _is_labelled(design) else design
        )  # a label stands for one trial
        return _approximate(claim, design, _centred(claim, design, deviations_of(statistic, single, spread)))
    if not statistic.arms and statistic.binary and design.single:
        return (_rate(claim, design, futility),)
    if statistic.arms and statistic.binary and design.single:
        return _pairs(claim, design, spread)
    if units is not None and spread is None:
        return _clusters(units)
    return _approximate(claim, design, deviations_of(statistic, design, spread))


def _is_labelled(design: Design) -> bool:
    return design.centring is not None and design.centring.nearest is not None


def _centred(claim: Claim, design: Design, deviations: dict[str, Deviation]) -> dict[str, Deviation]:
    """Return the deviations that a covariate leaves where it correlates as is expected of it."""
    learning = None if design.centring is None else design.centring.learning
    once = design.explained if learning is None else learning.squared
    told = "the judge and the labels correlate" if _is_labelled(design) else "the covariate correlates"
    told += f" by {math.sqrt(once):.2f}"
    told += "" if learning is None else " once it is learned"

    def leaving(deviation: Deviation) -> Deviation:
        def left(truth: float) -> float:
            explained = once if learning is None else _learned(claim, design, learning, deviation, truth)
            return math.sqrt(1.0 - min(explained, _MOST)) * deviation(truth)

        return left

    return {
        f"{name}, and {told}" if name else told: leaving(deviation) for name, deviation in deviations.items()
    }


def _learned(claim: Claim, design: Design, learning: Learning, deviation: Deviation, truth: float) -> float:
    """Return what learning explains on average over a run of the length that it then takes.

    The longer a run is, the more is learned; the more is learned, the shorter it is.
    """
    low, high = 1.0, float(design.max_units)
    for _ in range(_HALVINGS):
        n_units = (low + high) / 2.0
        left = math.sqrt(1.0 - min(learning.explained(n_units), _MOST)) * deviation(truth)
        longer = approximate_law(claim, truth, left, design).mean_n > n_units
        low, high = (n_units, high) if longer else (low, n_units)
    return learning.explained((low + high) / 2.0)


def _rate(claim: Claim, design: Design, futility: Futility) -> Scenario:
    """Plan single 0/1 trials, whose rate determines everything."""
    if design.max_units > MAX_EXACT_UNITS:
        [scenario] = _approximate(claim, design, {"": lambda rate: math.sqrt(rate * (1.0 - rate))})
        return scenario
    rule = make_rate_rule(claim, design)
    return Scenario(assuming="", exact=True, stops_early=True, law=law_with_futility(rule, futility))


def _census(claim: Claim, design: Design, futility: Futility) -> Scenario:
    """Plan a list of recorded outcomes."""
    law = census_law(claim, design, futility)
    # When `within` gives up also depends on which of its ends were rejected before.
    exact = design.min_units == 1 and claim.direction is not Direction.WITHIN
    return Scenario(assuming="", exact=exact, stops_early=True, law=law)


def _pairs(claim: Claim, design: Design, spread: Spread | None) -> tuple[Scenario, ...]:
    """Plan single pairs of 0/1 outcomes, by how often the two differ."""
    if (
        not design.calibrates
        or design.margin
        or claim.direction is Direction.WITHIN
        or claim.threshold != 0.0
    ):
        return _approximate(claim, design, deviations_of(claim.statistic, design, spread))

    def law(share: Callable[[float], float]) -> Law:
        return lambda truths: pair_laws(
            claim,
            [((share(truth) + truth) / 2.0, (share(truth) - truth) / 2.0) for truth in truths],
            design,
        )

    return tuple(
        Scenario(assuming=name, exact=True, stops_early=False, law=law(share))
        for name, share in _discordant(spread).items()
    )


def _clusters(units: Clusters) -> tuple[Scenario, ...]:
    """Plan groups, or cases drawn several times, by how much their trials are alike."""

    def law(likeness: Likeness) -> Law:
        return lambda truths: laws_at(units, likeness, truths)

    return tuple(
        Scenario(
            assuming=likeness.told, exact=False, stops_early=False, law=law(likeness), search=BY_SIMULATION
        )
        for likeness in likenesses(units)
    )


def _discordant(spread: Spread | None) -> dict[str, Callable[[float], float]]:
    """Return how often pairs differ, as a function of the true difference: as is known, or as is assumed."""
    if spread is None or spread.differ is None:
        return DISCORDANT
    return {spread.told: spread.share}


def _spread(share: Callable[[float], float]) -> Deviation:
    """Return the standard deviation of pairs when this share of them, by the truth, is not 0."""
    return lambda truth: math.sqrt(max(0.0, share(truth) - truth * truth))


def _approximate(claim: Claim, design: Design, deviations: dict[str, Deviation]) -> tuple[Scenario, ...]:
    """Plan units of which only the standard deviation is known."""

    def law(deviation: Deviation) -> Law:
        return lambda truths: [approximate_law(claim, truth, deviation(truth), design) for truth in truths]

    return tuple(
        Scenario(assuming=name, exact=False, stops_early=False, law=law(deviation))
        for name, deviation in deviations.items()
    )


def deviations_of(statistic: Statistic, design: Design, spread: Spread | None = None) -> dict[str, Deviation]:
    """Return assumptions about the standard deviation of a unit, by description; the worst case comes first.

    Where the spread is known it is the only one.

    Each is a function of the truth, in the statistic's own units.
    """
    low, high = statistic.scale

    def widest(truth: float) -> float:
        return math.sqrt(max(0.0, (truth - low) * (high - truth)))

    if statistic.binary and design.single:
        return (
            {name: _spread(share) for name, share in _discordant(spread).items()}
            if statistic.arms
            else {"": widest}
        )
    if spread is not None and (known := spread.deviation) is not None:
        return {spread.told: lambda truth: min(known, widest(truth))}
    if statistic.binary and not statistic.arms:
        return _shares(widest, design.draws)
    usual = USUAL_SHARE_OF_RANGE * statistic.outcomes.span * (math.sqrt(2.0) if statistic.arms else 1.0)
    share = f"{USUAL_SHARE_OF_RANGE:.0%}"
    told = (
        f"each arm's outcomes have a standard deviation of {share} of their range, independently"
        if statistic.arms
        else f"the standard deviation of outcomes is {share} of their range"
    )
    return {
        "every unit is at an end of the range (the worst case)": widest,
        told: lambda truth: min(usual, widest(truth)),
    }


def _shares(widest: Deviation, draws: int) -> dict[str, Deviation]:
    """Return the assumptions about units that are shares of ones: a case's draws, or a group."""
    if draws > 1:
        other = f"the {draws} draws of a case differ as much as draws of different cases"
        return {
            "all draws of a case come out the same (the worst case)": widest,
            other: lambda truth: widest(truth) / math.sqrt(draws),
        }
    return {
        "all trials of a unit come out the same (the worst case)": widest,
        f"the standard deviation of units is {USUAL_SHARE_OF_RANGE:.0%}": lambda truth: min(
            USUAL_SHARE_OF_RANGE, widest(truth)
        ),
    }
