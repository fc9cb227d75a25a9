"""Options: one table, one rule. `--velo-x-y` over `VELO_X_Y` over `velo_x_y` over profile and default."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_velo.errors import UsageError, nearest
from pytest_velo.settings import BUILTIN_ENDPOINTS, Mode, Multiplicity, Scheduler, Settings, Update

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "explore": {},
    "confirm": {},
    "ci": {"strict": True},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing a user may set; `read` turns its text into a value or raises ValueError."""

    name: str
    read: Callable[[str], Any]
    help: str
    metavar: str = "VALUE"
    many: bool = False
    flag: bool = False
    bare: str | None = None  # what the option means without a value

    @property
    def cli(self) -> str:
        """The command line's spelling."""
        return "--velo-" + self.name.replace("_", "-")

    @property
    def env(self) -> str:
        """The environment's spelling."""
        return "VELO_" + self.name.upper()

    @property
    def ini(self) -> str:
        """The ini file's spelling."""
        return "velo_" + self.name


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise ValueError("a number between 0 and 1")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("a whole number from 1")
    return value


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError("a whole number from 0")
    return value


def _seed(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError("a whole number") from None
    if not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of at most 64 bits")  # what the store can file draws under
    return value


def _budget(text: str) -> float | None:
    if text.strip().lower() == "none":
        return None
    value = float(text)
    if not value >= 0:
        raise ValueError("dollars from 0, or none")
    return value


def _one_of(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"one of {', '.join(names)} ({nearest(text, names)})")
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
        raise ValueError("all or new; without a value the option stands last on the line")
    return Update(text)


OPTIONS: tuple[Option, ...] = (
    Option(
        name="model", read=str, many=True, metavar="ID", help="model id, e.g. local/smollm2-135m; repeatable"
    ),
    Option(name="judge", read=str, metavar="ID", help="model id of the judge fixture"),
    Option(
        name="mode",
        read=lambda text: Mode(_one_of(*Mode)(text)),
        metavar="MODE",
        help="auto (cache, then the provider), replay (cache and cassettes, no socket), refresh (draw anew),"
        " estimate (count calls and dollars, call nothing)",
    ),
    Option(name="seed", read=_seed, metavar="N", help="root seed of cases, order and draws (default 0)"),
    Option(name="alpha", read=_share, metavar="A", help="most P(wrong supported) of a claim (default 0.05)"),
    Option(
        name="multiplicity",
        read=lambda text: Multiplicity(_one_of(*Multiplicity)(text)),
        metavar="M",
        help="none (error rates of each hypothesis alone) or holm (of each family together; default none)",
    ),
    Option(name="max_trials", read=_count, metavar="N", help="most trials of a hypothesis (default 200)"),
    Option(
        name="concurrency", read=_count, metavar="N", help="most calls in flight per provider (default 20)"
    ),
    Option(
        name="scheduler",
        read=lambda text: Scheduler(_one_of(*Scheduler)(text)),
        metavar="S",
        help="who gets the next trial: gain (what brings most toward a verdict for its cost; default),"
        " round-robin, or in-order (one hypothesis after the other, when pytest reaches it)",
    ),
    Option(
        name="budget",
        read=_budget,
        metavar="USD",
        help="dollars this session may spend, or none (default 1.00)",
    ),
    Option(
        name="profile",
        read=_one_of(*PROFILES),
        metavar="P",
        help="explore, confirm (fresh draws) or ci (strict)",
    ),
    Option(name="strict", read=_flag, flag=True, help="an inconclusive hypothesis fails"),
    Option(
        name="show",
        read=_natural,
        metavar="N",
        help="trials against the claim shown per hypothesis (default 3)",
    ),
    Option(name="cache_dir", read=Path, metavar="DIR", help="folder of draws and run records (.pytest_velo)"),
    Option(
        name="baseline",
        read=Path,
        metavar="FILE",
        help="file of the baselines that claims compare with (velo-baseline.json)",
    ),
    Option(
        name="update",
        read=_update,
        bare=Update.ALL,
        metavar="all|new",
        help="sample the baselines of the selected hypotheses and store them; =new: only those without one",
    ),
    Option(
        name="cassette", read=Path, many=True, metavar="FILE", help="recorded draws for replay; repeatable"
    ),
)
RESCORE_RUN, RESCORE_JUDGE = "--velo-rescore-run", "--velo-rescore-judge"
RESCORE_PLUGIN = "velo-rescoring"
"""What `velo rescore` tells pytest, which nobody else is to type, and the plugin that it brings."""

_UNSET = object()


def in_ci() -> bool:
    """Tell whether this is a run of continuous integration, by the variable that all of them set.

    Examples:
        >>> [getfixture("monkeypatch").setenv("CI", text) or in_ci() for text in ("true", "false")]
        [True, False]
    """
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no", "off")


def add_options(parser: pytest.Parser) -> None:
    """Register every option in its three spellings.

    Examples:
        >>> parser = pytest.Parser(_ispytest=True)
        >>> add_options(parser)
        >>> parser.parse_known_args(["--velo-max-trials=50"]).velo_max_trials
        '50'
    """
    group = parser.getgroup("velo", "hypotheses about language models")
    for option in OPTIONS:
        extra: dict[str, Any] = {"dest": option.ini, "default": None, "help": option.help}
        if option.flag:
            extra["action"] = "store_true"
        else:
            extra |= {"metavar": option.metavar, "action": "append" if option.many else "store"}
            extra |= {} if option.bare is None else {"nargs": "?", "const": option.bare}
        group.addoption(option.cli, **extra)
        kind: Literal["linelist", "string"] = "linelist" if option.many else "string"
        parser.addini(option.ini, option.help, type=kind, default=None)
    group.addoption(RESCORE_RUN, default=None, help=argparse.SUPPRESS)
    group.addoption(RESCORE_JUDGE, action="store_true", help=argparse.SUPPRESS)
    parser.addini(
        "velo_endpoints",
        "named endpoints, one a line: `NAME: api=openai-chat base_url=… key=ENV_VAR price=IN/OUT`",
        type="linelist",
        default=[],
    )


def read_settings(config: pytest.Config, *, workers: int = 1) -> Settings:
    """Resolve the settings of this session.

    Args:
        config: Pytest's, with its command line and ini file read.
        workers: The processes that share its limits, from 1.

    Raises:
        UsageError: A value cannot be read; it names the place and what would be right.

    Examples:
        >>> getfixture("monkeypatch").setenv("VELO_SEED", "7")
        >>> read_settings(getfixture("pytestconfig")).seed  # if no --velo-seed was given
        7
    """
    given = {option.name: value for option in OPTIONS if (value := _given(config, option)) is not _UNSET}
    profile = given.get("profile") or ("ci" if in_ci() else "explore")
    values: dict[str, Any] = {**PROFILES[profile], **given, "profile": profile}
    renames = {"model": "models", "budget": "budget_usd", "cassette": "cassettes"}
    fields = {renames.get(name, name): value for name, value in values.items()}
    root = config.rootpath
    fields["cache_dir"] = root / fields.get("cache_dir", ".pytest_velo")
    fields["baseline"] = root / fields.get("baseline", "velo-baseline.json")
    fields["cassettes"] = tuple(config.invocation_params.dir / path for path in fields.get("cassettes", ()))
    fields["models"] = tuple(fields.get("models", ()))
    return Settings(**fields, endpoints=_endpoints(config), workers=workers)


def _given(config: pytest.Config, option: Option) -> Any:
    """Return the option's value by precedence (None is one: no budget); `_UNSET` when nobody set it."""
    raw = config.getoption(option.ini)
    where = option.cli
    if raw is None and (text := os.environ.get(option.env)) is not None:
        raw, where = (text.split() if option.many else text), option.env
    if raw is None and (ini := config.getini(option.ini)):
        raw, where = ini, f"{option.ini} in {_inifile(config)}"
    if raw is None:
        return _UNSET
    if isinstance(raw, bool):
        return raw
    try:
        return [option.read(text) for text in raw] if option.many else option.read(raw)
    except ValueError as error:
        raise UsageError(f"{raw!r} cannot be read: {error}", where=where, fix=option.help) from None


def _endpoints(config: pytest.Config) -> tuple[Any, ...]:
    lines = config.getini("velo_endpoints")
    if not lines:
        return BUILTIN_ENDPOINTS
    from pytest_velo.providers.endpoints import parse_endpoint

    declared = {}
    brought = {name for offered in config.hook.pytest_velo_providers() for name in offered}
    for line in lines:
        try:
            endpoint = parse_endpoint(line, more_apis=brought)
        except UsageError as error:
            raise error.within(f"velo_endpoints in {_inifile(config)}") from None
        declared[endpoint.name] = endpoint
    builtin = tuple(endpoint for endpoint in BUILTIN_ENDPOINTS if endpoint.name not in declared)
    return builtin + tuple(declared.values())


def _inifile(config: pytest.Config) -> str:
    return config.inipath.name if config.inipath else "the ini file"
