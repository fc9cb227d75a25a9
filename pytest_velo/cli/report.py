"""`velo report`: a recorded run as a page, or as Markdown."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.errors import StoreError, UsageError
from pytest_velo.report.earlier import earlier_run
from pytest_velo.report.load import load
from pytest_velo.report.markdown.document import COMMENT, markdown_of
from pytest_velo.report.page.sample import MOST_TRANSCRIPTS
from pytest_velo.report.page.writing import write_page
from pytest_velo.writing import whole

_LEAST = 4_000
"""Bytes of Markdown that hold a head and what is left out."""


@click.command()
@click.argument("run", default="latest")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file (default: page.html in the run's record; Markdown goes to standard output).",
)
@click.option("--against", metavar="RUN", help="An earlier run (default: the last with a test in common).")
@click.option("--transcripts", default=MOST_TRANSCRIPTS, show_default=True, help="Most of them in the page.")
@click.option("--md", is_flag=True, help="Markdown for a comment, instead of the page.")
@click.option(
    "--limit", default=COMMENT, show_default=True, help="Most bytes of the Markdown; GitLab takes 1,000,000."
)
@cache_dir_option()
def report(
    run: str,
    output: Path | None,
    against: str | None,
    transcripts: int,
    md: bool,
    limit: int,
    cache_dir: Path,
) -> None:
    """Write the page of RUN (default: latest): one HTML file that needs nothing else.

    It has the verdicts, what they rest on, transcripts to read, and what moved since an earlier run. It makes
    no call. With --md it says the most urgent of this as Markdown, for a comment on a pull request.

    \f

    """  # noqa: D301 - click shows nothing below \f
    if transcripts < 0:
        raise UsageError(
            f"a page cannot have {transcripts} transcripts", where="--transcripts", fix="--transcripts=1000"
        )
    if limit < _LEAST:
        raise UsageError(f"{limit:,} bytes hold no report", where="--limit", fix=f"--limit={_LEAST} or more")
    recorded = load(run, cache_dir)
    before = earlier_run(recorded) if against is None else load(against, cache_dir)
    if md:
        _write_markdown(markdown_of(recorded, before, limit=limit), output)
        return
    path = output or recorded.folder / "page.html"
    write_page(recorded, path, before, most=transcripts)
    click.echo(str(path))


def _write_markdown(text: str, output: Path | None) -> None:
    """Write Markdown as UTF-8, whatever the terminal's encoding is: its reader is another program."""
    if output is None:
        sys.stdout.buffer.write(text.encode())
        return
    try:
        with whole(output) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    except OSError as problem:
        raise StoreError(
            f"the report cannot be written: {problem.strerror or problem}",
            where=str(output),
            fix="name a file in a folder that can be written to: velo report --md -o FILE",
        ) from problem
