"""Options: one table, one rule. `--velo-x-y` over `VELO_X_Y` over `velo_x_y` over profile and default.

Every pytest start imports this module. The values are read in `settings.py`, once an option is set.
"""

from __future__ import annotations

import argparse
import os
from typing import Any, Literal, NamedTuple

import pytest

from pytest_velo.integration.names import REPEAT, RESCORE_JUDGE, RESCORE_RUN


class Option(NamedTuple):
    """One thing a user may set.

    A tuple because every pytest start creates this class, and a dataclass takes three times as long.
    """

    name: str
    help: str
    metavar: str = "VALUE"
    many: bool = False
    flag: bool = False
    bare: str | None = None  # what the option means without a value
    secret: bool = False  # its value is never shown

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


OPTIONS: tuple[Option, ...] = (
    Option(name="model", many=True, metavar="ID", help="model id, e.g. local/smollm2-135m; repeatable"),
    Option(name="judge", metavar="ID", help="model id of the judge fixture"),
    Option(
        name="mode",
        metavar="MODE",
        help="auto (cache, then the provider), replay (cache and cassettes, no socket), refresh (draw anew),"
        " estimate (count calls and dollars, make no call)",
    ),
    Option(name="seed", metavar="N", help="root seed for cases, order and draws (default 0)"),
    Option(name="alpha", metavar="A", help="upper bound on P(wrong supported) (default 0.05)"),
    Option(
        name="multiplicity",
        metavar="M",
        help="none (error rates hold per hypothesis; default), holm (any wrong verdict in a family), or ebh"
        " (the share of wrong ones among its verdicts)",
    ),
    Option(name="max_trials", metavar="N", help="most trials per hypothesis (default 200)"),
    Option(
        name="futility",
        metavar="P",
        help="stop a hypothesis whose chance of a verdict is below this, or off (default 0.05)",
    ),
    Option(name="concurrency", metavar="N", help="most calls in flight per provider (default 20)"),
    Option(
        name="scheduler",
        metavar="S",
        help="which hypothesis gets the next trial: gain (the most progress for its cost; default),"
        " gain-afresh (the same, without what earlier runs saw), round-robin, or in-order (one hypothesis"
        " after another, as pytest reaches it)",
    ),
    Option(name="budget", metavar="USD", help="dollars this session may spend, or none (default 1.00)"),
    Option(name="profile", metavar="P", help="explore, confirm (fresh draws) or ci (strict)"),
    Option(name="strict", flag=True, help="inconclusive hypotheses fail"),
    Option(
        name="show",
        metavar="N|KIND[:N]",
        help="trials shown per hypothesis: N against the claim (default 3), or another kind, of every"
        " hypothesis: against, for, invalid, random or changed (since the run before), e.g. random:5",
    ),
    Option(name="cache_dir", metavar="DIR", help="folder for draws and run records (default .pytest_velo)"),
    Option(
        name="baseline",
        metavar="FILE",
        help="file with the baselines (default velo-baseline.json)",
    ),
    Option(
        name="update",
        bare="all",
        metavar="all|new",
        help="sample and store baselines for the selected hypotheses; =new: only where there is none",
    ),
    Option(
        name="clients",
        metavar="C",
        help="adopt (what a client that a body makes asks a model is a draw) or leave (it is not; default)",
    ),
    Option(
        name="store",
        metavar="URL",
        help="draws that machines share: postgresql://USER@HOST/DATABASE (libpq's URL), or none (default)",
        secret=True,
    ),
    Option(
        name="store_patience",
        metavar="SECONDS",
        help="how long draws that cost money wait for a shared store that cannot be reached, before they are"
        " made all the same (default 60)",
    ),
    Option(name="cassette", many=True, metavar="FILE", help="recorded draws for replay; repeatable"),
    Option(
        name="report",
        many=True,
        metavar="KIND:PATH",
        help="write the run: html:FILE (a page), md:FILE (Markdown, for a comment), inspect:LOG.eval or"
        " inspect:FOLDER (logs of Inspect), eee:FILE.json or eee:FOLDER (Every Eval Ever); repeatable",
    ),
    Option(
        name="jobs",
        metavar="N",
        help="most scorers at once in processes of their own (default: the processors this one may use)",
    ),
    Option(
        name="github",
        metavar="WHAT",
        help="what a run on GitHub Actions shows beside its log: all (default), summary (of the step),"
        " annotations (at the tests' lines) or none",
    ),
    Option(
        name="batch",
        flag=True,
        help="get paid draws from the providers' batch APIs, at their price, and wait for them (hours)",
    ),
    Option(
        name="batch_every",
        metavar="SECONDS",
        help="seconds between two looks at a batch under way (default 30)",
    ),
    Option(
        name="workers",
        metavar="WHERE",
        help="run trials on workers: local:N (processes of this machine) or dask://HOST:PORT (dask's"
        " scheduler); none (default): in this process",
    ),
)


def in_ci() -> bool:
    """Tell whether this runs in continuous integration, by the variable that all CI systems set."""
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no", "off")


def add_options(parser: pytest.Parser) -> None:
    """Register every option in its three spellings."""
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
    group.addoption(REPEAT, default=None, help=argparse.SUPPRESS)
    group.addoption(RESCORE_JUDGE, action="store_true", help=argparse.SUPPRESS)
    parser.addini(
        "velo_endpoints",
        "named endpoints, one per line: `NAME: api=openai-chat base_url=… key=ENV_VAR price=IN/OUT`",
        type="linelist",
        default=[],
    )


def written(config: pytest.Config, option: Option) -> tuple[Any, str]:
    """Return an option's raw value, None if not set, and where it was set."""
    if (raw := config.getoption(option.ini)) is not None:
        return raw, option.cli
    if (text := os.environ.get(option.env)) is not None:
        return (text.split() if option.many else text), option.env
    return config.getini(option.ini) or None, f"{option.ini} in {ini_file(config)}"


def is_told(config: pytest.Config) -> bool:
    """Tell cheaply whether any option of ours is set."""
    hidden = (RESCORE_RUN, REPEAT)
    if config.getini("velo_endpoints") or any(config.getoption(name) is not None for name in hidden):
        return True
    return any(written(config, option)[0] is not None for option in OPTIONS)


def untold_header() -> str:
    """Return the report header for a session without options; it does not load the settings."""
    profile = "ci · strict" if in_ci() else "explore"
    return f"velo: seed 0 (--velo-seed=0) · models none set · mode auto · budget $1.00 · profile {profile}"


def ini_file(config: pytest.Config) -> str:
    """Return the name of the file with the ini options."""
    return config.inipath.name if config.inipath else "the ini file"
