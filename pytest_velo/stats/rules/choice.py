"""Which rule tests a claim: the fastest that is valid for its units."""

from __future__ import annotations

from typing import Protocol

from pytest_velo.claims import Claim
from pytest_velo.stats.planning.reach import Reach, mean_reachability, reachability
from pytest_velo.stats.rules.census import make_census_rule
from pytest_velo.stats.rules.composed import make_mean_rule
from pytest_velo.stats.rules.difference import make_difference_rule
from pytest_velo.stats.rules.rate import make_rule
from pytest_velo.verdicts import Interval, Verdict


class Rule(Protocol):
    """A claim about one statistic under test: fed units in submission order until it returns a verdict.

    P(supported | claim false) is at most alpha and P(refuted | claim true) at most beta, whenever one stops.
    """

    @property
    def n(self) -> int:
        """Units fed."""
        ...

    @property
    def kind(self) -> str:
        """Where its thresholds come from: `calibrated`, `ville`, or a word of your own."""
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
        """Take in one unit by its bounds on the scale of [0, 1], equal for a valid one."""
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
        """Return roughly the chance of a verdict by the horizon, rather too high."""
        ...

    def certified(self, verdict: Verdict, /) -> str:
        """Return the inequality that a verdict certifies."""
        ...


class RuleFactory(Protocol):
    """Makes a fresh rule for a claim, as `rule_for` does, with its keywords."""

    def __call__(
        self,
        claim: Claim,
        /,
        *,
        alpha: float,
        beta: float,
        max_units: int,
        margin: float,
        min_units: int,
        single: bool,
        extend: bool,
        size: int | None,
    ) -> Rule:
        """Return the rule."""
        ...


def rule_for(
    claim: Claim,
    *,
    alpha: float,
    beta: float,
    max_units: int,
    margin: float = 0.0,
    min_units: int = 1,
    single: bool = True,
    extend: bool = False,
    size: int | None = None,
) -> Rule:
    """Return a fresh rule for one claim.

    Args:
        claim: What is claimed; units come on the scale of [0, 1] of its statistic.
        alpha: P(wrong supported), at most; in (0, 1).
        beta: P(wrong refuted), at most; in (0, 1).
        max_units: No unit is fed after it.
        margin: How far off the claim must be to count as false, from 0, in the statistic's own units.
        min_units: No verdict comes before this many units.
        single: Units are single trials, or single pairs of them, not means of cases or groups.
        extend: The horizon may be raised later, so nothing may be calibrated to it.
        size: The units are a list of so many recorded outcomes, each looked at once; else None.

    Returns:
        For recorded outcomes a census; for pairs the difference's rule; for single 0/1 trials the rate's; for
        everything else the rule for bounded means.

    Raises:
        UsageError: A number is outside its range, or the claim cannot be tested on these units.
    """
    if size is not None:
        return make_census_rule(
            claim,
            size=size,
            alpha=alpha,
            beta=beta,
            max_units=max_units,
            margin=margin,
            min_units=min_units,
        )
    statistic = claim.statistic
    binary = single and statistic.binary
    if not statistic.arms and not binary:
        return make_mean_rule(
            claim, alpha=alpha, beta=beta, max_units=max_units, margin=margin, min_units=min_units
        )
    make = make_difference_rule if statistic.arms else make_rule
    return make(
        claim,
        alpha=alpha,
        beta=beta,
        max_units=max_units,
        margin=margin,
        min_units=min_units,
        binary=binary,
        extend=extend,
    )


def reach_for(
    claim: Claim,
    *,
    alpha: float,
    beta: float,
    max_units: int,
    margin: float = 0.0,
    min_units: int = 1,
    single: bool = True,
    extend: bool = False,
) -> Reach:
    """Tell which verdicts `rule_for` with these parameters can come to; a whole census comes to all.

    Args:
        claim: As for `rule_for`, and the others too.
        alpha: See there.
        beta: See there.
        max_units: See there.
        margin: See there.
        min_units: See there.
        single: See there.
        extend: See there.

    Raises:
        UsageError: A number is outside its range.
    """
    single_rates = single and claim.statistic.binary and not claim.statistic.arms
    reach = reachability if single_rates else mean_reachability
    return reach(
        claim,
        alpha=alpha,
        beta=beta,
        max_units=max_units,
        margin=margin,
        min_units=min_units,
        binary=single and claim.statistic.binary,
        extend=extend,
    )
