"""What users have, as plain data: names, signatures, keywords, options, commands, fixtures and hooks.

`python tests/support/public_api.py` prints it. `tests/reference/public_api.json` is what it was when the
rooms of the package were laid out anew; it changes only with a release that says so.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import click

import pytest_velo
from pytest_velo import elicit, hooks, plugin
from pytest_velo.cli.main import main
from pytest_velo.designing.spec import KEYWORDS
from pytest_velo.integration.config.options import OPTIONS
from pytest_velo.stats import choosing


def public_api() -> dict[str, Any]:
    """Return it, ready for JSON."""
    return {
        "names": {name: _shape(getattr(pytest_velo, name)) for name in pytest_velo.__all__},
        "hooks": {name: _signature(hook) for name, hook in _own(hooks, "pytest_velo_")},
        "rules": {name: _signature(getattr(choosing, name)) for name in ("rule_for", "RuleFactory")},
        "elicit": {name: _shape(getattr(elicit, name)) for name in elicit.__all__},
        "fixtures": sorted(plugin.__all__),
        "mark": sorted(KEYWORDS),
        "options": [[option.cli, option.env, option.ini, option.many, option.flag] for option in OPTIONS],
        "commands": dict(sorted(_commands("velo", main))),
    }


def _shape(thing: Any) -> Any:
    """Return the signature of a function, or those of a class and its public members."""
    if inspect.isfunction(inspect.unwrap(thing)):
        return _signature(thing)
    kind = thing if inspect.isclass(thing) else type(thing)
    members = {
        name: _signature(member) if callable(getattr(kind, name)) else "value"
        for name, member in inspect.getmembers_static(kind)
        if not name.startswith("_") or name == "__call__"
    }
    return {"is": "class" if kind is thing else "value", "members": members}


def _signature(thing: Any) -> str:
    """Return names and defaults of parameters; annotations say the same in other words now and then."""
    function = getattr(thing, "__func__", thing)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return "?"
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(bare))


def _own(module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    return ((name, thing) for name, thing in sorted(vars(module).items()) if name.startswith(prefix))


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, list[str]]]:
    yield name, sorted("/".join(parameter.opts) for parameter in command.params)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _commands(f"{name} {inner}", found)


if __name__ == "__main__":
    print(json.dumps(public_api(), indent=1, sort_keys=True))
