"""`velo cache`: show what the cache holds, remove its old part, and bring it together with a shared store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_velo.cache.pruning import Housekeeping
from pytest_velo.cache.runs import recorded_addresses, remove_runs, run_folders, runs_before
from pytest_velo.cli.amounts import cost, days, volume
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.cli.shared_store import prune_shared, pull, push, shared_lines, store_option, url_of
from pytest_velo.errors import UsageError
from pytest_velo.report.numbers import count
from pytest_velo.report.text import inline

if TYPE_CHECKING:
    from pytest_velo.cache.holdings import Stats
    from pytest_velo.cache.pruning import Pruned

_HOURS = {"h": 1, "d": 24, "w": 7 * 24}
_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?([hdw])")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?(?:([kmgt]?)(i?)b)", re.IGNORECASE)


@click.group()
def cache() -> None:
    """Show the draws on disk, remove old ones, or share them.

    \f

    """  # noqa: D301 - click shows nothing below \f


cache.add_command(pull)
cache.add_command(push)


@cache.command("stats")
@click.option("--shared", is_flag=True, help="Show what the shared store holds.")
@store_option("The shared store to show; implies --shared.")
@cache_dir_option()
def _stats(shared: bool, store_url: str | None, cache_dir: Path) -> None:
    """Show what the cache holds: draws, models, size, age and cost."""
    if shared or store_url is not None:
        for label, text in shared_lines(url_of(store_url)):
            click.echo(f"{label:<8}{text}")
        return
    store = Housekeeping.existing(cache_dir / "draws.sqlite")
    try:
        runs = run_folders(cache_dir / "runs")
        stats = store.stats(recorded_addresses(runs))
    finally:
        store.close()
    for label, text in _stats_lines(stats, store.path, len(runs)):
        click.echo(f"{label:<8}{text}")


@cache.command("prune")
@click.option("--older-than", metavar="AGE", help="Remove draws older than this: 90d, 12h, 8w.")
@click.option(
    "--larger-than", metavar="SIZE", help="Remove draws until the file is at most this: 500MB, 2GB."
)
@click.option(
    "--runs-older-than", metavar="AGE", help="Remove run records older than this; the latest stays."
)
@click.option("--keep-recorded", is_flag=True, help="Keep every draw that a recorded run needs.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed; remove nothing.")
@click.option("--shared", is_flag=True, help="Remove draws of the shared store, for all who use it.")
@cache_dir_option()
def _prune_command(
    older_than: str | None,
    larger_than: str | None,
    runs_older_than: str | None,
    keep_recorded: bool,
    dry_run: bool,
    shared: bool,
    cache_dir: Path,
) -> None:
    """Remove draws, the oldest first, and old run records.

    Other processes may keep using the cache. The look log stays: drawing again counts as another look. A
    shared store (--velo-store) is left alone, unless --shared is given; then only its draws are removed.
    """
    if shared:
        if older_than is None or larger_than is not None or runs_older_than is not None:
            raise UsageError(
                "draws of a shared store are removed by their age alone",
                where="velo cache prune --shared",
                fix="give --older-than=90d and nothing else",
            )
        kept = run_folders(cache_dir / "runs") if keep_recorded else []
        click.echo(prune_shared(_moment("--older-than", older_than), kept, dry_run=dry_run))
        return
    before = None if older_than is None else _moment("--older-than", older_than)
    max_bytes = None if larger_than is None else _size("--larger-than", larger_than)
    runs = cache_dir / "runs"
    old_runs: list[Path] = []
    if runs_older_than is not None:
        old_runs = runs_before(runs, _moment("--runs-older-than", runs_older_than))
    elif before is None and max_bytes is None:
        raise UsageError(
            "no limit is given, so there is nothing to remove",
            where="velo cache prune",
            fix="give --older-than=90d, --larger-than=2GB or --runs-older-than=30d",
        )
    if before is not None or max_bytes is not None:
        kept_runs = _other_runs(runs, old_runs) if keep_recorded else []
        pruned = _prune(cache_dir / "draws.sqlite", before, max_bytes, kept_runs, dry_run)
        for line in _pruned_lines(pruned, dry_run=dry_run, estimated=dry_run and max_bytes is not None):
            click.echo(line)
    if runs_older_than is not None:
        if not dry_run:
            remove_runs(old_runs)  # last: if reading the records fails, nothing has been removed
        click.echo(f"{_verb(dry_run)} {_count(len(old_runs), 'run')}")


def _other_runs(runs: Path, removed: list[Path]) -> list[Path]:
    return [folder for folder in run_folders(runs) if folder not in removed]


def _prune(
    path: Path, before: datetime | None, max_bytes: int | None, kept_runs: list[Path], dry_run: bool
) -> Pruned:
    store = Housekeeping.existing(path)
    try:
        return store.prune(
            before=None if before is None else before.isoformat(timespec="microseconds"),
            max_bytes=max_bytes,
            keep=recorded_addresses(kept_runs),
            dry_run=dry_run,
        )
    finally:
        store.close()


def _moment(option: str, age: str) -> datetime:
    """Return the moment that lies an age back: `90d`, `12h`, `8w`."""
    found = _AGE.fullmatch(age.strip().lower())
    try:
        if found is not None:
            return datetime.now(UTC) - timedelta(hours=float(found[1]) * _HOURS[found[2]])
    except OverflowError:
        pass
    raise UsageError(
        f"{age!r} is not an age: a number followed by h, d or w (hours, days, weeks)",
        where=option,
        fix=f"{option}=90d",
    )


def _size(option: str, size: str) -> int:
    """Return the bytes of a size: `500MB`, `2GB`, `1.5GiB`."""
    found = _SIZE.fullmatch(size.strip())
    unit = "" if found is None else found[2].lower()
    if found is None or (found[3] and not unit):
        raise UsageError(
            f"{size!r} is not a size: a number followed by B, KB, MB, GB or TB (or KiB, MiB, GiB, TiB)",
            where=option,
            fix=f"{option}=2GB",
        )
    return int(float(found[1]) * (_BINARY if found[3] else _BYTES)[unit])


def _stats_lines(stats: Stats, path: Path, n_runs: int) -> Iterator[tuple[str, str]]:
    draws = stats.draws
    yield "store", f"{inline(str(path))}, {volume(stats.n_bytes)}"
    yield "draws", f"{_count(draws.n_draws, 'draw')} of {_count(draws.n_requests, 'request')}"
    if not draws.n_draws:
        return
    yield "drawn", days(draws)
    yield "cost", cost(draws)
    runs = _count(n_runs, "recorded run")
    yield "unused", f"{_count(stats.n_unrecorded, 'draw')} not used by any of {runs}"
    for position, model in enumerate(stats.models):
        name = f"{inline(model.model)} at {inline(model.endpoint)}"
        yield "" if position else "models", f"{name}: {_count(model.n_draws, 'draw')}"


def _pruned_lines(pruned: Pruned, *, dry_run: bool, estimated: bool) -> Iterator[str]:
    removed, about = pruned.removed, "about " if estimated else ""
    what = f"{about}{_count(removed.n_draws, 'draw')} and {_count(removed.n_requests, 'request')}"
    if removed.n_draws:
        yield f"{_verb(dry_run)} {what}, drawn {days(removed)}; drawing them again costs {cost(removed)}"
    else:
        yield f"{_verb(dry_run)} no draws"
    if pruned.n_kept:
        yield f"kept {_count(pruned.n_kept, 'draw')} that recorded runs need"
    about = "about " if dry_run else ""
    yield f"the file: {volume(pruned.n_bytes_before)} -> {about}{volume(pruned.n_bytes_after)}"


def _verb(dry_run: bool) -> str:
    return "would remove" if dry_run else "removed"


def _count(n: int, thing: str) -> str:
    return count(n, thing)
