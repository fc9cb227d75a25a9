"""What the names in a test's signature resolve to: our fixtures, the user's, or a plugin's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from pytest_velo.designing.parameters import CLIENTS
from pytest_velo.integration.compat import FixtureInfo, is_parameter, plugin_of
from pytest_velo.integration.names import FIXTURES_MODULE, OURS

# Function-scoped fixtures of these plugins belong to their event loops, which our bodies never run on.
_HARMLESS_MODULES = ("pytest_velo.", "pytest_asyncio.", "anyio.")

# Marks by which a test asks for a fixture that its plugin sets up around every test.
_ASKED_BY_MARK = {"django_db": "_django_db_helper", "block_network": "block_network"}


def is_ours(info: FixtureInfo, name: str) -> bool:
    """Tell whether `name` is our own fixture for this test, not one of the user's."""
    definitions = info.name2fixturedefs.get(name)
    return definitions is not None and definitions[-1].func.__module__ == FIXTURES_MODULE


def ours_in(info: FixtureInfo) -> list[str]:
    """Return the names in the closure that are our own fixtures."""
    return [name for name in OURS if name in info.names_closure and is_ours(info, name)]


def asking_in(info: FixtureInfo) -> list[str]:
    """Return the fixtures that can be parametrized with a model id."""
    return [name for name in ("model", "velo", "strategy", *CLIENTS) if name in ours_in(info)]


def is_harmless(definition: pytest.FixtureDef[Any]) -> bool:
    """Tell whether a fixture is ours, or another plugin's event loop, on which our bodies never run."""
    module = str(getattr(definition.func, "__module__", ""))
    return (module + ".").startswith(_HARMLESS_MODULES)


def asked_for(node: Any, info: FixtureInfo) -> set[str]:
    """Return the fixtures that a test asks for, by its arguments or marks, and those that these ask for."""
    by_marks = (name for mark in node.iter_markers("usefixtures") for name in mark.args)
    by_plugins = (name for mark, name in _ASKED_BY_MARK.items() if node.get_closest_marker(mark) is not None)
    return _closure(info, [*info.argnames, *by_marks, *by_plugins])


def may_ask_later(node: Any, info: FixtureInfo) -> bool:
    """Tell whether a test, or a fixture of the user's that it asks for, may ask for others while it runs."""
    users = (
        info.name2fixturedefs[name][-1]
        for name in asked_for(node, info).intersection(info.name2fixturedefs)
        if not is_ours(info, name) and _is_users(node, info.name2fixturedefs[name][-1])
    )
    return "request" in info.argnames or any("request" in fixture.argnames for fixture in users)


def in_play(node: Any, info: FixtureInfo) -> set[str]:
    """Return the fixtures that a test or its user asks for.

    The others are those that installed plugins set up around every test by themselves (autouse), with what
    these ask for.
    """
    users = [name for name, definitions in info.name2fixturedefs.items() if _is_users(node, definitions[-1])]
    return asked_for(node, info) | _closure(info, users)


def _closure(info: FixtureInfo, names: Iterable[str]) -> set[str]:
    waiting, found = [*names], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            for definition in info.name2fixturedefs.get(name, ()):
                waiting += definition.argnames
    return found


def _is_users(node: Any, definition: pytest.FixtureDef[Any]) -> bool:
    """Tell whether a fixture is neither pytest's nor an installed plugin's."""
    module = str(getattr(definition.func, "__module__", ""))
    return not module.startswith("_pytest.") and plugin_of(node.config, definition) is None


def shared_state(node: Any, info: FixtureInfo) -> list[str]:
    """Return the function-scoped fixtures in play: set up once, they are shared by concurrent trials."""
    names = []
    for name in in_play(node, info).intersection(info.name2fixturedefs):
        last = info.name2fixturedefs[name][-1]
        if last.scope == "function" and not is_parameter(last) and not is_harmless(last):
            names.append(name)
    return sorted(names)


def told(node: Any, info: FixtureInfo, name: str) -> str:
    """Return a fixture's name for a message, with the installed plugin that brings it."""
    definitions = info.name2fixturedefs.get(name)
    plugin = plugin_of(node.config, definitions[-1]) if definitions else None
    return name if plugin is None else f"{name} of {plugin}"
