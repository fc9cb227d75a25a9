"""Trials on workers: whether a session has them, what is refused beside them, and what they are told."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_velo import shards
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.config.options import OPTIONS
from pytest_velo.integration.run.capture import backstage
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.session import VeloSession
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.trials import TrialRunner, Trials
from pytest_velo.settings import Mode, Settings

FLEET: pytest.StashKey[shards.Fleet] = pytest.StashKey()
"""The workers of a session, once one of its hypotheses may need them."""

_TELLING = ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "PYTEST_ADDOPTS", "CI")
"""Variables besides those of our options that say what is collected, and asked where; none holds a key."""

_KEPT_HERE = ("workers", "cache_dir", "store", "store_patience", "report")
"""Options that concern this process alone."""

_KNOWN: Mapping[str, type[BaseException]] = {"Exit": pytest.exit.Exception}


def check_workers(config: pytest.Config, settings: Settings) -> None:
    """Refuse what cannot be had together with workers, before anything is sampled.

    Raises:
        UsageError: Something of that kind is asked for.
    """
    option = config.option
    if (
        hasattr(config, "workerinput")
        or getattr(option, "numprocesses", None)
        or (getattr(option, "dist", "no") != "no")
    ):
        raise UsageError(
            "--velo-workers and pytest-xdist (-n) cannot be used together: both share out the same calls,"
            " concurrency and budget",
            fix="leave one of them away: -n runs whole tests in processes of this machine, --velo-workers"
            " single trials anywhere",
        )
    if option.usepdb or getattr(option, "trace", False):
        raise UsageError(
            "a debugger cannot follow a trial to a worker", fix="leave --pdb away, or --velo-workers"
        )
    if option.capture == "no":
        raise UsageError(
            "-s shows output as it is printed, and workers send theirs when a trial has ended",
            fix="leave -s away: what bodies print is in the test's report (-rA)",
        )
    if settings.batch:
        raise UsageError(
            "batches are filled and read by one process, so workers would have nothing to do",
            fix="leave --velo-batch away, or --velo-workers",
        )
    if find_spec("distributed") is None:
        raise UsageError("--velo-workers needs dask", fix="pip install 'pytest-velo[dask]'")


def trials_of(
    item: pytest.Function, session: VeloSession, hypothesis: Hypothesis, outcomes: HostOutcomes, n_known: int
) -> Trials | None:
    """Return what runs an item's trials on the session's workers; None where this process does.

    No worker is started before one of them is needed, so a run that finds all of its draws starts none.
    """
    settings = session.settings
    if settings.workers_at is None or settings.replays or settings.estimates:
        return None

    def say(kind: str, text: str) -> None:
        if (kept := backstage.get()) is not None:
            kept.write(kind, text)
        else:
            (sys.stdout if kind == "stdout" else sys.stderr).write(text)

    fleet = _fleet_of(item.session, session)
    return shards.TrialsElsewhere(
        hypothesis,
        TrialRunner(hypothesis, session.sampler, session.loop),
        fleet,
        n_known=0 if settings.mode is Mode.REFRESH else n_known,
        outcomes=outcomes,
        say=say,
        known=_KNOWN,
    )


def _fleet_of(collected: pytest.Session, session: VeloSession) -> shards.Fleet:
    """Return the workers of a session, made once."""
    config = session.config
    if FLEET not in config.stash:
        assert session.settings.workers_at is not None
        fleet = shards.Fleet(
            shards.Cluster(session.settings.workers_at),
            _hello(config),
            prints_of_session(collected),
            session.settings,
            lambda: session.sampler,
        )
        session.loop.on_close(fleet.aclose)  # before the sampler's, so that it is awaited after it
        config.stash[FLEET] = fleet
    return config.stash[FLEET]


def prints_of_session(session: pytest.Session) -> dict[str, str]:
    """Return what must be the same on every machine: versions, and the files that say what is sampled."""
    files: dict[str, Path] = {}
    for item in session.items:
        if SPEC in item.stash:
            files[item.nodeid.split("::")[0]] = item.path
    root = session.config.rootpath
    for plugin in session.config.pluginmanager.get_plugins():
        path = Path(getattr(plugin, "__file__", None) or "")
        if path.name == "conftest.py" and path.is_relative_to(root):
            files[path.relative_to(root).as_posix()] = path
    return shards.prints_of(files, {"pytest": pytest.__version__})


def _hello(config: pytest.Config) -> shards.Hello:
    """Return the session that workers are to have: this one's command line and options."""
    folder, root = config.invocation_params.dir, config.rootpath
    told = {*(option.env for option in OPTIONS if option.name not in _KEPT_HERE), *_TELLING}
    args = _without_ours(map(str, config.invocation_params.args))
    return shards.Hello(
        args=tuple(_relative(arg, folder) for arg in args),
        folder=str(folder),
        inside=os.path.relpath(folder, root),
        environment={name: os.environ[name] for name in sorted(told & os.environ.keys())},
    )


def _without_ours(args: Iterable[str]) -> Iterator[str]:
    """Leave out the options that workers have no use for; a store's address may hold a password."""
    names = [option.cli for option in OPTIONS if option.name in _KEPT_HERE]
    rest = iter(args)
    for arg in rest:
        if arg in names:
            next(rest, None)
        elif arg.partition("=")[0] not in names:
            yield arg


def _relative(arg: str, folder: Path) -> str:
    """Return a test's path as it is found on another machine: relative to where the command was given."""
    path, colons, rest = arg.partition("::")
    return f"{os.path.relpath(path, folder)}{colons}{rest}" if os.path.isabs(path) else arg
