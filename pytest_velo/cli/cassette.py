"""`velo cassette`: export recorded draws from the cache to a file you can commit, and import them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_velo.cache.attempts_file import attempts_beside, write_attempts
from pytest_velo.cache.cassette import Merged, differing, export, load
from pytest_velo.cache.runs import latest_run, recorded_addresses
from pytest_velo.cache.store import Store
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.designing.attempts import belief_at
from pytest_velo.errors import StoreError, UsageError, VeloError, nearest
from pytest_velo.report.load import load as load_run

if TYPE_CHECKING:
    from pytest_velo.cache.store import Store
    from pytest_velo.records import Address


@click.group()
def cassette() -> None:
    """Recorded draws, committed with the tests, for --velo-mode=replay.

    \f

    """  # noqa: D301 - click shows nothing below \f


@cassette.command("export")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--run", default="latest", show_default=True, help="Id of the run to export.")
@click.option("--replace", is_flag=True, help="Remove draws of OUT that the run did not use.")
@cache_dir_option()
def _export(out: Path, run: str, replace: bool, cache_dir: Path) -> None:
    """Add the draws of a run to OUT (.jsonl, or .jsonl.zst to compress); those in it stay."""
    try:
        addresses = _addresses(cache_dir, run)
        store = _open(cache_dir)
        try:
            merged = export(store, addresses, out, replace_all=replace)
            n_entries = _export_attempts(store, cache_dir, run, out, replace_all=replace)
        finally:
            store.close()
    except VeloError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{_draws(merged.n_draws)} of run {run} -> {out}{_change(merged)}")
    if n_entries:
        beside = attempts_beside(out)
        click.echo(f"the attempts at its beliefs, whose numbers set alpha -> {beside}: commit it too")


@cassette.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@cache_dir_option()
def _import(file: Path, cache_dir: Path) -> None:
    """Add the draws of FILE to the cache; existing draws stay."""
    try:
        recorded = load(file)
        store = Store.open(cache_dir / "draws.sqlite")
        try:
            n_differing = differing(store, recorded)
            count = store.put_many(recorded.recorded())
            store.attempts.take_in_beside(file)
        finally:
            store.close()
    except VeloError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{_draws(len(recorded))} in {file}, {count} new in {cache_dir}")
    if n_differing:
        click.echo(f"{_draws(n_differing)} not imported: the cache has other replies there, which stay")


def _export_attempts(store: Store, cache_dir: Path, run: str, out: Path, *, replace_all: bool) -> int:
    """Write the attempts that set the alpha of the run's hypotheses beside the cassette; return how many."""
    try:
        results = load_run(_run_folder(cache_dir, run).name, cache_dir).document.results
    except (StoreError, UsageError):  # a run that was killed early has trials, and no hypothesis that ended
        return 0
    beliefs = [
        belief_at(result.node_id, None, result.model)
        for result in results
        if result.attempt is not None and result.attempt.alpha is not None
    ]
    entries = [entry for belief in beliefs for entry in store.attempts.history(belief)]
    return write_attempts(attempts_beside(out), entries, replace_all=replace_all) if entries else 0


def _change(merged: Merged) -> str:
    """Say what an export did to the file; nothing for a new one."""
    if merged.is_new:
        return ""
    told = [f"{merged.n_added} added"]
    if merged.n_changed:
        told.append(f"{merged.n_changed} changed")
    if merged.n_removed:
        told.append(f"{merged.n_removed} removed")
    if merged.n_kept:
        told.append(f"{merged.n_kept} of other runs kept (--replace removes them)")
    if merged.n_removed is None:
        told.append("the old file could not be read")
    return f": {', '.join(told)}"


def _draws(count: int) -> str:
    return f"{count} draw" if count == 1 else f"{count} draws"


def _open(cache_dir: Path) -> Store:
    """Open an existing store; exporting never creates one."""
    path = cache_dir / "draws.sqlite"
    if not path.is_file():
        raise StoreError("there is no store", where=str(path), fix="run the tests first, or give --cache-dir")
    return Store.open(path)


def _addresses(cache_dir: Path, run: str) -> set[Address]:
    """Return where the draws of a run are stored."""
    folder = _run_folder(cache_dir, run)
    found = set(recorded_addresses([folder]))
    if not found:
        raise UsageError(
            f"the run {run!r} has no stored draws (scripted replies are computed, not stored)",
            where=str(folder / "trials.jsonl"),
            fix="name another run with --run",
        )
    return found


def _run_folder(cache_dir: Path, run: str) -> Path:
    runs = cache_dir / "runs"
    known = [entry.name for entry in runs.iterdir() if entry.is_dir()] if runs.is_dir() else []
    if not known:
        raise UsageError("there are no runs", where=str(runs), fix="run the tests first, or give --cache-dir")
    name = (latest_run(runs) or run) if run == "latest" else run
    if name not in known:
        raise UsageError(f"there is no run {name!r}", where=str(runs), fix=nearest(name, known))
    return runs / name
