"""The settings of a project outside pytest: of notebooks, scripts and the `velo` command."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.integration.config.folder import command_line, project
from pytest_velo.integration.config.options import OPTIONS, Option
from pytest_velo.integration.config.settings import settings_from
from pytest_velo.providers.registry import ProviderFactory
from pytest_velo.settings import Api, Settings


def found_settings(**given: Any) -> Settings:
    """Return the settings that pytest would have if it were started in the working directory.

    Args:
        **given: Fields of `Settings` that the caller sets; None leaves them as they are found.

    Raises:
        UsageError: A value cannot be read; it says where, and what is valid.
    """
    settings = settings_from(_Found())
    return replace(settings, **{name: value for name, value in given.items() if value is not None})


def offered_families() -> Mapping[str, ProviderFactory]:
    """Return the wire families of installed plugins, by name; those of a conftest.py are pytest's only."""
    factories: dict[str, ProviderFactory] = {}
    for entry in entry_points(group="pytest11"):
        if entry.module.partition(".")[0] in _OTHERS:
            continue
        offers = getattr(entry.load(), "pytest_velo_providers", None)
        if offers is not None:
            factories |= offers()
    return factories


_OTHERS = ("pytest_velo", "_hypothesis_pytestplugin", "anyio", "pytest_asyncio", "xdist")
"""Plugins that many have installed, and that offer none: loading them takes time."""


class _Found:
    """What pytest would read: the ini file that it finds, its `addopts`, and the environment."""

    def __init__(self) -> None:
        self.here = Path.cwd()
        self.root, self._file, self._options = project()
        self.file = self._file.name if self._file else "the ini file"

    @cached_property
    def _typed(self) -> argparse.Namespace:
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
        for option in OPTIONS:
            extra: dict[str, Any] = {"dest": option.name, "default": None}
            if option.flag:
                extra["action"] = "store_true"
            else:
                extra["action"] = "append" if option.many else "store"
                extra |= {} if option.bare is None else {"nargs": "?", "const": option.bare}
            parser.add_argument(option.cli, **extra)
        try:
            return parser.parse_known_args(command_line(self._options))[0]
        except argparse.ArgumentError as error:
            raise UsageError(
                str(error), where="pytest's command line (addopts)", fix="write it as --velo-x=VALUE"
            ) from None

    def written(self, option: Option) -> tuple[Any, str]:
        if (raw := getattr(self._typed, option.name)) is not None:
            return raw, option.cli
        if (text := os.environ.get(option.env)) is not None:
            return (text.split() if option.many else text), option.env
        raw = self._options.get(option.ini) or None
        where = f"{option.ini} in {self.file}"
        if raw is None or isinstance(raw, bool):
            return raw, where
        return (_lines(raw) if option.many else str(raw)), where

    def endpoints(self) -> list[str]:
        return _lines(self._options.get("velo_endpoints") or "")

    def families(self) -> Collection[str]:
        named = (word for line in self.endpoints() for word in line.split() if word.startswith("api="))
        # Plugins are loaded only for an endpoint that needs one.
        return offered_families() if {word.removeprefix("api=") for word in named} - {*Api} else ()


def _lines(raw: Any) -> list[str]:
    """Return an ini file's list: of lines, as pytest reads it, or of TOML."""
    if isinstance(raw, str):
        return [line.strip() for line in raw.split("\n") if line.strip()]
    return [str(one) for one in raw]
