"""`velo cache push`, `velo cache pull`, and what `velo cache` says and removes of a shared store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from pytest_velo.cache import shared
from pytest_velo.cache.runs import latest_run, recorded_addresses, run_folders
from pytest_velo.cli.amounts import cost, days, volume
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.errors import UsageError, nearest
from pytest_velo.integration.config.found import found_settings
from pytest_velo.report.numbers import count, dollars
from pytest_velo.report.text import inline
from pytest_velo.settings import StoreUrl

_Command = TypeVar("_Command", bound=Callable[..., Any])


def store_option(
    text: str = "The shared store (default: the one that pytest uses here).",
) -> Callable[[_Command], _Command]:
    """Return the option `--store`, a text or None."""
    return click.option("--store", "store_url", metavar="URL", help=text)


def url_of(typed: str | None) -> StoreUrl:
    """Return the URL of the shared store: the one that was typed, else the one that pytest uses here.

    Raises:
        UsageError: There is none, or it cannot be read.
    """
    if typed is None:
        found = found_settings().store
        if found is None:
            raise UsageError(
                "no shared store is set",
                where="velo cache",
                fix="give --store=postgresql://USER@HOST/DATABASE, or set VELO_STORE or velo_store",
            )
        return found
    try:
        return StoreUrl(typed)
    except ValueError as error:
        raise UsageError(f"it cannot be read: {error}", where="--store") from None


def _selecting(command: _Command) -> _Command:
    for option in (
        click.option("--run", metavar="RUN", help="Only the draws of this recorded run, or of `latest`."),
        click.option(
            "--test", metavar="NODE_ID", help="Only the draws that recorded runs used for this test."
        ),
        click.option("--model", metavar="ID", help="Only the draws of this model."),
        store_option(),
        cache_dir_option(),
    )[::-1]:
        command = option(command)
    return command


@click.command("push")
@_selecting
def push(store_url: str | None, cache_dir: Path, **which: str | None) -> None:
    """Bring local draws to the shared store; what it has stays.

    Draws that wait because the store could not be reached go first.
    """
    selection = _selection(cache_dir, **which)
    store = _open(cache_dir, store_url)
    try:
        moved = store.push_all(selection)
    finally:
        store.close()
    click.echo(f"{count(moved.n_draws, 'draw')}, {moved.n_new:,} new in the shared store")
    _say_apart(moved, "the shared store")


@click.command("pull")
@_selecting
def pull(store_url: str | None, cache_dir: Path, **which: str | None) -> None:
    """Bring draws of the shared store here; what is here stays."""
    selection = _selection(cache_dir, **which)
    store = _open(cache_dir, store_url)
    try:
        moved = store.pull_all(selection)
    finally:
        store.close()
    click.echo(f"{count(moved.n_draws, 'draw')}, {moved.n_new:,} new in {inline(str(cache_dir))}")
    _say_apart(moved, "this cache")


def shared_lines(url: StoreUrl) -> Iterator[tuple[str, str]]:
    """Yield what the shared store holds, as label and text."""
    upkeep = shared.Upkeep(url)
    try:
        stats = upkeep.stats()
    finally:
        upkeep.close()
    draws = stats.draws
    yield "store", f"{inline(str(url))}, {volume(stats.n_bytes)}"
    yield "draws", f"{count(draws.n_draws, 'draw')} of {count(draws.n_requests, 'request')}"
    if stats.n_leases:
        yield "now", f"{count(stats.n_leases, 'draw')} being made"
    if not draws.n_draws:
        return
    yield "drawn", days(draws)
    yield "cost", cost(draws)
    for position, (name, usd, n_draws) in enumerate(stats.makers):
        yield "" if position else "users", f"{inline(name)}: {count(n_draws, 'draw')}, {dollars(usd)}"
    for position, model in enumerate(stats.models):
        name = f"{inline(model.model)} at {inline(model.endpoint)}"
        yield "" if position else "models", f"{name}: {count(model.n_draws, 'draw')}"


def prune_shared(before: datetime, kept_runs: Sequence[Path], *, dry_run: bool) -> str:
    """Remove old draws of the shared store; return what became of them."""
    upkeep = shared.Upkeep(url_of(None))
    try:
        moment = before.isoformat(timespec="microseconds")
        removed = upkeep.prune(moment, recorded_addresses(kept_runs), dry_run=dry_run)
    finally:
        upkeep.close()
    verb = "would remove" if dry_run else "removed"
    if not removed.n_draws:
        return f"{verb} no draws of the shared store"
    return (
        f"{verb} {count(removed.n_draws, 'draw')} of the shared store, drawn {days(removed)}; drawing them"
        f" again costs {cost(removed)}"
    )


def _open(cache_dir: Path, store_url: str | None) -> shared.Transfer:
    return shared.Transfer(cache_dir / "draws.sqlite", url_of(store_url), [])


def _selection(cache_dir: Path, run: str | None, test: str | None, model: str | None) -> shared.Selection:
    if run is None and test is None:
        return shared.Selection(model=model or "")
    folders = run_folders(cache_dir / "runs")
    if run is not None:
        names = {folder.name: folder for folder in folders}
        name = _latest(cache_dir, run)
        if name not in names:
            raise UsageError(
                f"there is no run {name!r}", where=str(cache_dir / "runs"), fix=nearest(name, names)
            )
        folders = [names[name]]
    addresses = frozenset(recorded_addresses(folders, test or ""))
    if not addresses:
        raise UsageError(
            "no stored draws are recorded for that",
            where=str(cache_dir / "runs"),
            fix="name a test as the record does (tests/test_x.py::test_y[model]), and a run that has it",
        )
    return shared.Selection(addresses=addresses, model=model or "")


def _latest(cache_dir: Path, run: str) -> str:
    return (latest_run(cache_dir / "runs") or run) if run == "latest" else run


def _say_apart(moved: shared.Moved, where: str) -> None:
    if moved.n_apart:
        click.echo(f"{count(moved.n_apart, 'draw')} not moved: {where} has other replies there, which stay")
