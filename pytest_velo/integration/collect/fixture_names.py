"""What the names in a test's signature resolve to: our fixtures, the user's, or a plugin's."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.integration.compat import FixtureInfo, is_parameter
from pytest_velo.integration.names import FIXTURES_MODULE, OURS

# Function-scoped fixtures of these plugins belong to their event loops, which our bodies never run on.
_HARMLESS_MODULES = ("pytest_velo.", "pytest_asyncio.", "anyio.")


def is_ours(info: FixtureInfo, name: str) -> bool:
    """Tell whether `name` is our own fixture for this test, not one of the user's."""
    definitions = info.name2fixturedefs.get(name)
    return definitions is not None and definitions[-1].func.__module__ == FIXTURES_MODULE


def ours_in(info: FixtureInfo) -> list[str]:
    """Return the names in the closure that are our own fixtures."""
    return [name for name in OURS if name in info.names_closure and is_ours(info, name)]


def asking_in(info: FixtureInfo) -> list[str]:
    """Return the fixtures that can be parametrized with a model id."""
    return [name for name in ("model", "velo") if name in ours_in(info)]


def is_harmless(definition: pytest.FixtureDef[Any]) -> bool:
    """Tell whether a fixture is ours, or another plugin's event loop, on which our bodies never run."""
    module = str(getattr(definition.func, "__module__", ""))
    return (module + ".").startswith(_HARMLESS_MODULES)


def shared_state(info: FixtureInfo) -> list[str]:
    """Return the user's function-scoped fixtures: set up once, they are shared by concurrent trials."""
    names = []
    for name, definitions in info.name2fixturedefs.items():
        last = definitions[-1]
        if last.scope == "function" and not is_parameter(last) and not is_harmless(last):
            names.append(name)
    return sorted(names)
