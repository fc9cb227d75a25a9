"""Rules, fed as a run feeds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pytest_velo.stats.rules.choice import Rule

R = TypeVar("R", bound=Rule)


def feed(rule: R, outcomes: Iterable[float | tuple[float, float]]) -> R:
    """Feed outcomes up to a verdict; an invalid one is the pair of the least and the most that it may be."""
    for outcome in outcomes:
        low, high = outcome if isinstance(outcome, tuple) else (outcome, outcome)
        if rule.feed(low, high):
            break
    return rule


def feed_within(rule: R, outcomes: Iterable[tuple[float, float]]) -> R:
    """Feed outcomes up to a verdict, or to the most units that the rule is made for."""
    for low, high in outcomes:
        if rule.n == rule.max_units or rule.feed(low, high):
            break
    return rule
