"""Hooks for plugins of this plugin (pluggy)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pluggy import HookspecMarker

if TYPE_CHECKING:
    from pytest_velo.claims import Claim
    from pytest_velo.providers.registry import ProviderFactory
    from pytest_velo.stats.choosing import RuleFactory

hookspec = HookspecMarker("pytest")


@hookspec
def pytest_velo_providers() -> Mapping[str, ProviderFactory]:  # type: ignore[empty-body]
    """Offer providers of your own.

    Returns:
        A factory for each wire family (`api=` of an endpoint), called as `factory(endpoint, slots=n)`. A
        family of ours under the same name is replaced.
    """


@hookspec
def pytest_velo_claims() -> Mapping[type[Claim], RuleFactory]:  # type: ignore[empty-body]
    """Offer rules for claims of your own.

    A claim of your own is a frozen dataclass that derives from `Claim`; users give it to the mark. Its rule
    makes a verdict of the units, on the scale of [0, 1] of its statistic, and answers for its error rates.

    Returns:
        A factory for each class of claims, called as `factory(claim, alpha=..., beta=..., max_units=...,
        margin=..., min_units=..., single=..., extend=..., size=...)`; it returns a `stats.choosing.Rule`.
        `alpha` and `beta` are in (0, 1), `margin` is from 0 in the statistic's own units; `stats.choosing`
        has the meaning of each. A class takes the rule of the nearest class it derives from; of two plugins
        that offer a rule for one class, the last to register goes first. `Claim` itself is ours.
    """
