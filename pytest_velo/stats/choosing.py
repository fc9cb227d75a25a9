"""The seam for custom rules: what `pytest_velo_claims` passes on, and the built-in rule to build on."""

from __future__ import annotations

from typing import Protocol

from pytest_velo.claims import Claim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules import choice
from pytest_velo.stats.rules.choice import MakeRule
from pytest_velo.stats.rules.choice import Rule as Rule


class RuleFactory(Protocol):
    """Makes a fresh rule for a claim; takes the same keywords as `rule_for`."""

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
    """Return a fresh built-in rule for one claim: the fastest that is valid for its units.

    Args:
        claim: What is claimed; units are fed on the scale [0, 1] of its statistic.
        alpha: Upper bound on P(wrong supported); in (0, 1).
        beta: Upper bound on P(wrong refuted); in (0, 1).
        max_units: The horizon: no unit is fed after it.
        margin: How far off the claim must be to count as false, >= 0, in the statistic's own units.
        min_units: No verdict comes before this many units.
        single: Units are single trials, or single pairs of them, rather than means of cases or groups.
        extend: The horizon may be raised later, so nothing may be calibrated to it.
        size: Number of recorded outcomes if the units are a finite list, each seen once; else None.

    Returns:
        A census rule for recorded outcomes, the difference's rule for pairs, the rate's rule for single 0/1
            trials, and the rule for bounded means for everything else.

    Raises:
        UsageError: A number is outside its range, or the claim cannot be tested on these units.

    Examples:
        >>> from pytest_velo.claims import difference, mean, rate
        >>> design = {"alpha": 0.05, "beta": 0.05, "max_units": 200}
        >>> claims = (rate >= 0.5, mean(0, 10) >= 5, difference("a", "b") >= 0)
        >>> [rule_for(claim, **design).kind for claim in claims]
        ['calibrated', 'ville', 'calibrated']
    """
    design = Design(
        alpha=alpha,
        beta=beta,
        max_units=max_units,
        margin=margin,
        min_units=min_units,
        single=single,
        extend=extend,
        census=size,
    )
    return choice.rule_for(claim, design)


def from_factory(factory: RuleFactory) -> MakeRule:
    """Adapt a plugin's factory, which takes keywords, to a function of claim and design."""
    if factory is rule_for:
        return choice.rule_for

    def make(claim: Claim, design: Design) -> Rule:
        return factory(
            claim,
            alpha=design.alpha,
            beta=design.beta,
            max_units=design.max_units,
            margin=design.margin,
            min_units=design.min_units,
            single=design.single,
            extend=design.extend,
            size=design.census,
        )

    return make
