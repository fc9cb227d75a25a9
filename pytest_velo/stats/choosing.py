"""The seam for rules of your own: what `pytest_velo_claims` offers, and our rule to build on."""

from __future__ import annotations

from typing import Protocol

from pytest_velo.claims import Claim
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules import choice
from pytest_velo.stats.rules.choice import MakeRule
from pytest_velo.stats.rules.choice import Rule as Rule


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
    """Return a fresh rule for one claim: ours, the fastest that is valid for its units.

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
    """Return what makes a rule of a design by a plugin's factory, which takes keywords."""
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
