"""From the raw values of the options to a session's settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from pytest_velo.errors import UsageError, nearest
from pytest_velo.integration.config.options import OPTIONS, Option, in_ci, ini_file, written
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.settings import (
    BUILTIN_ENDPOINTS,
    Clients,
    Endpoint,
    Github,
    Mode,
    Multiplicity,
    ReportKind,
    ReportTarget,
    Scheduler,
    Settings,
    ShowKind,
    StoreUrl,
    Update,
    WorkersAt,
)

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "explore": {},
    "confirm": {},
    "ci": {"strict": True},
}


_UNSET = object()
_Number = TypeVar("_Number", int, float)


def _number(
    kind: Callable[[str], _Number], is_valid: Callable[[_Number], bool], text: str, wanted: str
) -> _Number:
    """Return a number; `wanted` is what the error says, whatever is wrong with it."""
    try:
        value = kind(text)
    except ValueError:  # which names a type of Python's
        raise ValueError(wanted) from None
    if not is_valid(value):
        raise ValueError(wanted)
    return value


def _share(text: str) -> float:
    return _number(float, lambda value: 0 < value < 1, text, "a number between 0 and 1")


def _futility(text: str) -> float:
    try:
        return 0.0 if text.strip() == "off" else _share(text)
    except ValueError:
        raise ValueError("a number between 0 and 1, or off") from None


def _count(text: str) -> int:
    return _number(int, lambda value: value >= 1, text, "a whole number, 1 or more")


def _natural(text: str) -> int:
    return _number(int, lambda value: value >= 0, text, "a whole number, 0 or more")


def _seed(text: str) -> int:
    value = _number(int, lambda _: True, text, "a whole number")
    if not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of at most 64 bits")  # the range of the store's integer column
    return value


def _budget(text: str) -> float | None:
    if text.strip().lower() == "none":
        return None
    return _number(float, lambda value: value >= 0, text, "dollars, 0 or more, or none")


def _store(text: str) -> StoreUrl | None:
    return None if text.strip().lower() in ("", "none") else StoreUrl(text.strip())


def _seconds(text: str) -> float:
    wanted = "seconds, 0 or more, and a day at most"
    return _number(float, lambda value: 0 <= value <= 86_400, text, wanted)


def _meant(text: str, names: Sequence[str]) -> str:
    """Return the name that was probably meant, in parentheses; empty if none is near, for all are listed."""
    near = nearest(text, names)
    return f" ({near})" if near.startswith("did you mean") else ""


def _one_of(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"one of {', '.join(names)}{_meant(text, names)}")
        return text

    return read


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("", "0", "false", "no", "off"):
        return False
    raise ValueError("true or false")


def _update(text: str) -> Update:
    if text not in list(Update):
        raise ValueError("all or new; without a value, put the option last on the command line")
    return Update(text)


def _report(text: str) -> ReportTarget:
    kind, colon, path = text.partition(":")
    _one_of(*ReportKind)(kind)
    if not colon or not path.strip():
        raise ValueError(f"{kind}: is followed by a file or a folder")
    return ReportTarget(kind=ReportKind(kind), path=Path(os.path.expanduser(path)))


def _show(text: str) -> tuple[int, ShowKind | None]:
    """Read `N`, `KIND` or `KIND:N`."""
    kind, colon, number = text.strip().partition(":")
    try:
        if not colon and not kind[:1].isalpha():
            return _natural(kind), None
        if kind in list(ShowKind):
            return (_natural(number) if colon else Settings().show), ShowKind(kind)
    except ValueError:
        raise ValueError("the number is a whole one, 0 or more") from None
    raise ValueError(f"a number, or one of {', '.join(ShowKind)}{_meant(kind, [*ShowKind])}")


def _workers(text: str) -> WorkersAt | None:
    """Read `none`, `local:N`, `dask://HOST:PORT` or, for a scheduler that speaks TLS, `dask+tls://…`."""
    kind, colon, rest = text.strip().partition(":")
    if kind == "none" and not colon:
        return None
    if kind == "local":
        return WorkersAt(n=_count(rest))
    if kind in ("dask", "dask+tls") and rest.startswith("//") and rest.rpartition(":")[2].isdigit():
        return WorkersAt(address=f"{'tls' if kind == 'dask+tls' else 'tcp'}:{rest}")
    raise ValueError("none, local:N or dask://HOST:PORT")


READERS: Mapping[str, Callable[[str], Any]] = {
    "model": str,
    "judge": str,
    "mode": lambda text: Mode(_one_of(*Mode)(text)),
    "seed": _seed,
    "alpha": _share,
    "multiplicity": lambda text: Multiplicity(_one_of(*Multiplicity)(text)),
    "max_trials": _count,
    "futility": _futility,
    "concurrency": _count,
    "scheduler": lambda text: Scheduler(_one_of(*Scheduler)(text)),
    "budget": _budget,
    "profile": _one_of(*PROFILES),
    "strict": _flag,
    "show": _show,
    "cache_dir": Path,
    "baseline": Path,
    "update": _update,
    "clients": lambda text: Clients(_one_of(*Clients)(text)),
    "store": _store,
    "store_patience": _seconds,
    "cassette": Path,
    "report": _report,
    "jobs": _count,
    "github": lambda text: Github(_one_of(*Github)(text)),
    "batch": _flag,
    "batch_every": _seconds,
    "workers": _workers,
}
"""Parses the text of each option, or raises ValueError with what is valid."""


class Sources(Protocol):
    """Where the raw values of the options come from."""

    @property
    def root(self) -> Path:
        """The root folder, which paths in the ini file are relative to."""
        ...

    @property
    def here(self) -> Path:
        """The folder that typed paths are relative to."""
        ...

    @property
    def file(self) -> str:
        """The name of the ini file."""
        ...

    def written(self, option: Option) -> tuple[Any, str]:
        """Return an option's raw value, None if not set, and where it was set."""
        ...

    def endpoints(self) -> list[str]:
        """Return the declarations of endpoints, a line each."""
        ...

    def families(self) -> Collection[str]:
        """Return the names of the wire families that plugins offer."""
        ...


class _OfPytest:
    """What pytest has read."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.root = config.rootpath
        self.here = config.invocation_params.dir
        self.file = ini_file(config)

    def written(self, option: Option) -> tuple[Any, str]:
        return written(self._config, option)

    def endpoints(self) -> list[str]:
        return list(self._config.getini("velo_endpoints"))

    def families(self) -> Collection[str]:
        return {name for offered in self._config.hook.pytest_velo_providers() for name in offered}


def read_settings(config: pytest.Config, *, told: bool = True, workers: int = 1) -> Settings:
    """Resolve the settings of this session.

    Args:
        config: Pytest's, with its command line and ini file read.
        told: An option was set at the start of the session. Otherwise nothing is read, and changes that a
            test module makes to the environment have no effect.
        workers: The processes that share its limits, from 1.

    Raises:
        UsageError: A value cannot be read; it says where, and what is valid.
    """
    return settings_from(_OfPytest(config), told=told, workers=workers)


def settings_from(sources: Sources, *, told: bool = True, workers: int = 1) -> Settings:
    """Resolve settings; arguments and errors as in `read_settings`."""
    options = OPTIONS if told else ()
    given = {option.name: value for option in options if (value := _given(sources, option)) is not _UNSET}
    profile = given.get("profile") or ("ci" if in_ci() else "explore")
    values: dict[str, Any] = {**PROFILES[profile], **given, "profile": profile}
    renames = {
        "model": "models",
        "budget": "budget_usd",
        "cassette": "cassettes",
        "report": "reports",
        "batch_every": "batch_every_s",
        "store_patience": "store_patience_s",
        "workers": "workers_at",
    }
    fields = {renames.get(name, name): value for name, value in values.items()}
    if "show" in fields:
        fields["show"], fields["show_kind"] = fields["show"]
    fields["cache_dir"] = sources.root / fields.get("cache_dir", ".pytest_velo")
    fields["baseline"] = sources.root / fields.get("baseline", "velo-baseline.json")
    fields["cassettes"] = tuple(_typed_in(sources, "cassette") / path for path in fields.get("cassettes", ()))
    here = _typed_in(sources, "report")
    asked = (replace(target, path=here / target.path) for target in fields.get("reports", ()))
    fields["reports"] = tuple(dict.fromkeys(asked))
    fields["models"] = tuple(dict.fromkeys(fields.get("models", ())))  # the same model twice is one
    return Settings(**fields, endpoints=_endpoints(sources), workers=workers)


def _given(sources: Sources, option: Option) -> Any:
    """Return the option's value by precedence (None is a value: no budget); `_UNSET` if not set."""
    raw, where = sources.written(option)
    if raw is None:
        return _UNSET
    if isinstance(raw, bool):
        return raw
    read = READERS[option.name]
    try:
        return [read(text) for text in raw] if option.many else read(raw)
    except ValueError as error:
        shown = "it" if option.secret else repr(raw)
        raise UsageError(f"{shown} cannot be read: {error}", where=where, fix=option.help) from None


def _typed_in(sources: Sources, name: str) -> Path:
    """Return the folder that a path is relative to: the root's in the ini file, else the working one."""
    (option,) = (option for option in OPTIONS if option.name == name)
    in_the_file = sources.written(option)[1] not in (option.cli, option.env)
    return sources.root if in_the_file else sources.here


def _endpoints(sources: Sources) -> tuple[Endpoint, ...]:
    lines = sources.endpoints()
    if not lines:
        return BUILTIN_ENDPOINTS

    declared = {}
    brought = sources.families()
    for line in lines:
        try:
            endpoint = parse_endpoint(line, more_apis=brought)
        except UsageError as error:
            raise error.within(f"velo_endpoints in {sources.file}") from None
        declared[endpoint.name] = endpoint
    builtin = tuple(endpoint for endpoint in BUILTIN_ENDPOINTS if endpoint.name not in declared)
    return builtin + tuple(declared.values())
