"""Which rule tests a claim: the fastest that is valid for its units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from pytest_velo.claims import Claim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.census import make_census_rule
from pytest_velo.stats.rules.centred import is_centred, make_centred_rule
from pytest_velo.stats.rules.difference import make_difference_rule
from pytest_velo.stats.rules.mean import make_mean_rule
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Interval, Verdict


class Rule(Protocol):
    """A claim about one statistic under test: fed units in submission order until it returns a verdict.

    At any stopping time, P(supported | claim false) <= alpha and P(refuted | claim true) <= beta.
    """

    @property
    def n(self) -> int:
        """Units fed."""
        ...

    @property
    def kind(self) -> str:
        """Where its thresholds come from: `calibrated`, `ville`, or a custom word."""
        ...

    @property
    def log_e_support(self) -> float:
        """Natural log of the evidence for the claim."""
        ...

    @property
    def log_e_refute(self) -> float:
        """Natural log of the evidence against the claim."""
        ...

    def feed(self, low: float, high: float, /) -> Verdict | None:
        """Take in one unit by its bounds on the scale [0, 1]; they are equal if it is valid."""
        ...

    def evidence_bounds(self) -> tuple[float, float, Interval | None]:
        """Return p_support and p_refute, and the interval in the statistic's own units."""
        ...

    def min_more(self) -> int:
        """Return a number of further units before which no verdict can come."""
        ...

    def expected_more(self) -> int:
        """Guess how many further units the verdict needs."""
        ...

    def predictive_probability(self) -> float:
        """Estimate the chance of a verdict by the horizon, rather too high than too low."""
        ...

    def certified(self, verdict: Verdict, /) -> str:
        """Return the inequality that a verdict certifies."""
        ...


@runtime_checkable
class HasBoundaries(Protocol):
    """A rule that tells where it decides; a plugin's need not."""

    def boundaries(self) -> tuple[float, float]:
        """Return the log evidence at which the claim is supported, and refuted."""
        ...

    def p_values(self) -> tuple[float, float]:
        """Return p_support and p_refute, without the interval."""
        ...


MakeRule = Callable[[Claim, Design], Rule]
"""Makes a fresh rule for a claim, as `rule_for` does."""


def rule_for(claim: Claim, design: Design) -> Rule:
    """Return a fresh rule for one claim; units are fed on the scale [0, 1] of its statistic.

    Recorded outcomes get a census rule, listed cases with a covariate the centred rule where it pays, pairs
    the difference's rule, single 0/1 trials the rate's, and everything else the rule for bounded means.

    Raises:
        UsageError: The claim cannot be tested on these units.
    """
    if design.census is not None:
        return make_census_rule(claim, design)
    if is_centred(claim, design):
        return make_centred_rule(claim, design)
    if claim.statistic.arms:
        return make_difference_rule(claim, design)
    if design.single and claim.statistic.binary:
        return make_rate_rule(claim, design)
    return make_mean_rule(claim, design)
