"""Hooks for plugins of this plugin (pluggy)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pluggy import HookspecMarker

if TYPE_CHECKING:
    from pytest_velo.providers.registry import ProviderFactory

hookspec = HookspecMarker("pytest")


@hookspec
def pytest_velo_providers() -> Mapping[str, ProviderFactory]:  # type: ignore[empty-body]
    """Offer providers of your own.

    Returns:
        A factory for each wire family (`api=` of an endpoint), called as `factory(endpoint, slots=n)`. A
        family of ours under the same name is replaced.
    """
