"""`velo batch`: the providers' batch APIs fill the slots of live calls, for less."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from pytest_velo.batches.book import Book
from pytest_velo.batches.desk import Desk
from pytest_velo.batches.entry import OPEN, Batch, BatchState, Wanted
from pytest_velo.batches.finding import find_lost, set_aside
from pytest_velo.batches.service import why_unbatched
from pytest_velo.batches.submission import Submission, quote, submit, unpriced_error
from pytest_velo.batches.watching import Look, look_at_all, wait
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.errors import UsageError
from pytest_velo.integration.batch import Gathered, gather_selection
from pytest_velo.integration.config.found import found_settings
from pytest_velo.report.numbers import count, dollars
from pytest_velo.report.text import inline
from pytest_velo.sampling.resources import Resources

if TYPE_CHECKING:
    from pytest_velo.settings import Settings

T = TypeVar("T")

_WIDTH = 200
_SHOWN_DONE = 5


@click.group()
def batch() -> None:
    """Draws from the providers' batch APIs, at their price: submit, see how far they are, collect.

    A batch is answered within a day, and fills the same slots as live calls: the tests find their draws. To
    do it all in one run, and wait: pytest --velo-batch.

    \f

    """  # noqa: D301 - click shows nothing below \f


@batch.command("submit", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option(
    "--all",
    "whole",
    is_flag=True,
    help="Submit the draws of all trials up to max_trials, not only of those that the verdict likely takes.",
)
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0.0),
    metavar="USD",
    help="What all that is under way may cost at most (default: --velo-budget, 1.00).",
)
@click.option("--yes", is_flag=True, help="Submit without asking.")
@click.option(
    "--again",
    is_flag=True,
    help="Submit also what may be under way but cannot be found; it may then be paid for twice.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[TESTS] [PYTEST OPTIONS]")
def _submit(whole: bool, max_cost: float | None, yes: bool, again: bool, arguments: tuple[str, ...]) -> None:
    """Submit the draws that TESTS need next, after showing what they may cost.

    Bodies run on the draws that are stored, up to the first one that is not; what follows a reply is found by
    the next `submit`, once that reply was collected. So are further trials, if the verdict needs them. TESTS
    and other options are pytest's.

    \f

    """  # noqa: D301 - click shows nothing below \f
    gathered = gather_selection(arguments, whole=whole)
    settings = _checked(gathered)
    if max_cost is not None:
        settings = replace(settings, budget_usd=max_cost)
    wanted = _batched(gathered)
    _at_desk(settings, lambda desk: _hand_in(desk, gathered, wanted, yes=yes, again=again))


@batch.command("status")
@cache_dir_option("--velo-cache-dir", found=False)
def _status(cache_dir: Path | None) -> None:
    """Show how far the batches are, and look for those whose submission was interrupted.

    \f

    """  # noqa: D301 - click shows nothing below \f
    _with_book(cache_dir, _show_all)


@batch.command("collect")
@cache_dir_option("--velo-cache-dir", found=False)
@click.option("--wait", "waits", is_flag=True, help="Wait until all batches have ended.")
@click.option(
    "--every", type=click.FloatRange(min=0.0), default=30.0, metavar="SECONDS", help="How often to look [30]."
)
@click.option(
    "--served",
    default="",
    metavar="NAME",
    help="Take replies of a model that is served under this name, too.",
)
@click.pass_context
def _collect(ctx: click.Context, cache_dir: Path | None, waits: bool, every: float, served: str) -> None:
    """Fetch the results of the batches that have ended into the cache.

    Exit code 1 if results cannot be read, or requests brought no reply.

    \f

    """  # noqa: D301 - click shows nothing below \f
    ctx.exit(_with_book(cache_dir, lambda desk: _fetch(desk, waits=waits, served=served), every=every) or 0)


@batch.command("cancel")
@click.argument("name", metavar="BATCH")
@cache_dir_option("--velo-cache-dir", found=False)
def _cancel(name: str, cache_dir: Path | None) -> None:
    """Ask the provider to cancel BATCH; what was answered by then can be collected.

    \f

    """  # noqa: D301 - click shows nothing below \f
    _with_book(cache_dir, lambda desk: _call_off(desk, name))


def _checked(gathered: Gathered) -> Settings:
    """Return the settings of a selection that could be looked at."""
    if gathered.problem:
        click.echo(gathered.problem, err=True)
        raise click.ClickException(
            "nothing was submitted: a test could not be looked at\n  fix: mend it, or name the other tests"
        )
    if not gathered.missing or gathered.settings is None:
        raise click.ClickException(
            "no hypothesis was found\n  fix: name a file or a test that has one, as for pytest"
        )
    return gathered.settings


def _batched(gathered: Gathered) -> list[Wanted]:
    """Return what can be submitted; refuse endpoints without a batch API by name."""
    wanted = gathered.wanted
    for endpoint in {each.target.endpoint.name: each.target.endpoint for each in wanted}.values():
        if (refusal := why_unbatched(endpoint)) is not None:
            raise refusal
    for each in wanted:
        if each.request.path:
            raise UsageError(
                "calls of an SDK's own client are not put into batches",
                where=f"model {each.target.id}",
                fix="use the fixture `model` in that test, or leave it out here: its calls are made live",
            )
    return wanted


async def _hand_in(desk: Desk, gathered: Gathered, wanted: list[Wanted], *, yes: bool, again: bool) -> None:
    """Show what is missing, ask, and submit it."""
    unsure = await find_lost(desk) if desk.book.batches(BatchState.SENDING) else []
    if again:
        for lost in [*unsure, *(each for each in desk.book.batches(BatchState.UNDER_WAY) if each.problem)]:
            click.echo(f"{lost.title}: {count(set_aside(desk, lost), 'draw')} may be paid for twice")
    waiting = [each for each in wanted if desk.book.is_waited_for(each.address)]
    fresh = [each for each in wanted if not desk.book.is_waited_for(each.address)]
    _say_found(desk, gathered, waiting)
    if not fresh:
        return
    for line in _offer(fresh):
        click.echo(line)
    priced = quote(fresh)
    if desk.settings.budget_usd is not None and priced.unpriced:
        raise unpriced_error(priced.unpriced)
    _consent(gathered, yes=yes)
    submission = await submit(desk, fresh, committed_usd=desk.book.reserved_usd())
    for line in _submitted(submission, desk.settings):
        click.echo(line)
    for refused in submission.refused[:1]:
        raise refused.error
    if not submission.sent and submission.over:
        raise click.exceptions.Exit(1)


def _say_found(desk: Desk, gathered: Gathered, waiting: Sequence[Wanted]) -> None:
    n = len(gathered.wanted)
    told = [f"{count(len(gathered.missing), 'hypothesis', 'hypotheses')}: {count(n, 'draw')} missing"]
    if waiting:
        names = {name for each in waiting if (name := desk.book.waiting_in(each.address)) is not None}
        batches = [desk.book.batch(name) for name in sorted(names)]
        told.append(f"{count(len(waiting), 'draw')} under way ({', '.join(each.title for each in batches)})")
    click.echo(" · ".join(told))
    if gathered.n_free:
        free = count(gathered.n_free, "draw")
        click.echo(f"{free} of models that cost nothing: not submitted, the next run of pytest makes them")
    if not n and not gathered.n_free:
        click.echo("nothing to submit: every draw that can be known now is in the cache")
    for each in {each.name: each for each in desk.book.batches(BatchState.SENDING)}.values():
        click.echo(f"{each.title}: not known whether it was sent: {inline(each.problem, _WIDTH)}")


def _offer(fresh: Sequence[Wanted]) -> Iterable[str]:
    """Say what each model's draws may cost."""
    for name, n in Counter(each.target.id for each in fresh).items():
        priced = quote(each for each in fresh if each.target.id == name)
        live = f" (live: {dollars(priced.live_usd)})" if priced.live_usd else ""
        yield f"  {inline(name)}: {count(n, 'draw')}, at most {dollars(priced.batch_usd)} in a batch{live}"


def _consent(gathered: Gathered, *, yes: bool) -> None:
    """Ask for what live paid calls ask for, too: the user's word for this run."""
    if yes or gathered.allowed:
        return
    if not sys.stdin.isatty():
        raise click.ClickException(
            "nothing was submitted: paid calls are not enabled"
            "\n  fix: --yes, or what enables them in pytest: -m velo, or the test's own node id"
        )
    if not click.confirm("Submit?"):
        click.echo("nothing was submitted")
        raise click.exceptions.Exit(1)


def _submitted(submission: Submission, settings: Settings) -> Iterable[str]:
    for sent in submission.sent:
        model = inline(f"{sent.endpoint}/{sent.model}")
        yield f"submitted {inline(sent.title)}: {count(sent.n, 'draw')} of {model}"
    if submission.over:
        worst = quote(submission.over).batch_usd
        yield (
            f"{count(len(submission.over), 'draw')} not submitted: the budget of"
            f" {dollars(settings.budget_usd)} has no room for what they may cost ({dollars(worst)} more);"
            " --max-cost=USD raises it"
        )
    if submission.sent:
        yield "then: velo batch status, velo batch collect, and pytest, which makes no call for these draws"


async def _show_all(desk: Desk) -> None:
    """Show every batch under way as the provider has it, and the last ones that are done."""
    await find_lost(desk)
    looks = {look.batch.name: look for look in await look_at_all(desk, collects=False)}
    batches = desk.book.batches()
    done = [each for each in batches if each.state not in OPEN]
    for each in [*done[-_SHOWN_DONE:], *(each for each in batches if each.state in OPEN)]:
        for line in _batch_lines(desk, each, looks.get(each.name)):
            click.echo(line)
    if not batches:
        click.echo("no batch was ever submitted from here")
    elif any(look.standing is not None and look.standing.is_ended for look in looks.values()):
        click.echo("velo batch collect fetches what has ended")


def _batch_lines(desk: Desk, batch: Batch, look: Look | None) -> Iterable[str]:
    sent = datetime.fromtimestamp(batch.sent_at)
    head = f"{inline(batch.title)}  {inline(batch.endpoint)}/{inline(batch.model)}  {count(batch.n, 'draw')}"
    yield f"{head}  sent {sent:%Y-%m-%d %H:%M}"
    standing = None if look is None else look.standing
    if batch.state is BatchState.UNDER_WAY:
        told = [inline(batch.told or "under way")]
        if standing is not None and standing.n_done is not None:
            told.append(f"{standing.n_done:,} done, {standing.n_failed or 0:,} failed")
        told.append(f"at most {dollars(batch.worst_usd)}")
        yield f"  {' · '.join(told)}"
    elif batch.state is BatchState.COLLECTED:
        failed = f" · {batch.n_failed:,} failed" if batch.n_failed else ""
        stored = f"{batch.n_stored:,} stored{failed} · {dollars(batch.spent_usd)}"
        yield f"  collected ({inline(batch.told)}): {stored}"
        yield from _reasons(desk, batch)
    elif batch.state is BatchState.UNSENT:
        yield "  not sent"
    else:
        yield "  not known whether it was sent"
    trouble = "" if look is None or look.trouble is None else look.trouble.what
    for told_ in dict.fromkeys(filter(None, (batch.problem, trouble))):
        yield f"  {inline(told_, _WIDTH)}"


def _reasons(desk: Desk, batch: Batch) -> Iterable[str]:
    for why, n in desk.book.reasons(batch.name)[:3]:
        yield f"    {n:,} × {inline(why, _WIDTH)}"


async def _fetch(desk: Desk, *, waits: bool, served: str) -> int:
    """Collect what has ended; returns the exit code."""
    unsure = await find_lost(desk)
    if waits:
        names = [each.name for each in desk.book.batches(BatchState.UNDER_WAY)]
        looks = await wait(desk, names, lambda _: None, served=served)
    else:
        looks = await look_at_all(desk, collects=True, served=served)
    for look in looks:
        for line in _batch_lines(desk, look.batch, look):
            click.echo(line)
    for each in unsure:
        click.echo(f"{each.title}: not known whether it was sent: {inline(each.problem, _WIDTH)}")
    if not looks and not unsure:
        click.echo("no batch is under way")
    is_bad = any(look.trouble is not None or look.batch.n_failed for look in looks)
    return 1 if is_bad or unsure else 0


async def _call_off(desk: Desk, name: str) -> None:
    found = [each for each in desk.book.batches(*OPEN) if name in (each.name, each.remote)]
    if not found or not found[0].remote:
        known = ", ".join(each.title for each in desk.book.batches(BatchState.UNDER_WAY)) or "none"
        what = f"no batch {name!r} is under way"
        raise UsageError(what, where="velo batch cancel", fix=f"under way: {known}")
    standing = await desk.service_of(desk.endpoint_of(found[0])).cancel(found[0].remote)
    desk.book.note(found[0].name, told=standing.word)
    said = f"{inline(found[0].title)}: {inline(standing.word)}"
    click.echo(f"{said}; velo batch collect fetches what was answered by then")


def _with_book(
    cache_dir: Path | None, work: Callable[[Desk], Awaitable[T]], *, every: float = 30.0
) -> T | None:
    """Do something with the batches of the cache folder; say so if there are none."""
    settings = found_settings()
    if cache_dir is not None:
        settings = replace(settings, cache_dir=cache_dir)
    book = Book.found(settings.cache_dir)
    if book is None:
        click.echo(f"no batch was ever submitted from here ({settings.cache_dir})")
        return None
    book.close()
    return _at_desk(replace(settings, batch_every_s=every), work)


def _at_desk(settings: Settings, work: Callable[[Desk], Awaitable[T]]) -> T:
    async def worked() -> T:
        desk = Desk(settings, resources.store)
        try:
            return await work(desk)
        finally:
            await desk.aclose()

    resources = Resources(settings)
    try:
        return asyncio.run(worked())
    finally:
        for part in resources.parts():
            part.close()
        for note in resources.notes:
            click.echo(note, err=True)
