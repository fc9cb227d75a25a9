"""`velo report`: the page of a recorded run."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.errors import UsageError
from pytest_velo.report.earlier import earlier_run
from pytest_velo.report.load import load
from pytest_velo.report.page.sample import MOST_TRANSCRIPTS
from pytest_velo.report.page.writing import write_page


@click.command()
@click.argument("run", default="latest")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file (default: page.html in the run's record).",
)
@click.option("--against", metavar="RUN", help="An earlier run (default: the last with a test in common).")
@click.option("--transcripts", default=MOST_TRANSCRIPTS, show_default=True, help="Most of them in the page.")
@cache_dir_option()
def report(run: str, output: Path | None, against: str | None, transcripts: int, cache_dir: Path) -> None:
    """Write the page of RUN (default: latest): one HTML file that needs nothing else.

    It has the verdicts, what they rest on, transcripts to read, and what moved since an earlier run. It makes
    no call.

    \f

    """  # noqa: D301 - click shows nothing below \f
    if transcripts < 0:
        raise UsageError(
            f"a page cannot have {transcripts} transcripts", where="--transcripts", fix="--transcripts=1000"
        )
    recorded = load(run, cache_dir)
    before = earlier_run(recorded) if against is None else load(against, cache_dir)
    path = output or recorded.folder / "page.html"
    write_page(recorded, path, before, most=transcripts)
    click.echo(str(path))
