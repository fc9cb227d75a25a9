"""`velo predictions`: what was predicted, against what was found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from pytest_velo.cli.attempts import print_lines
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.cli.ledger_of_attempts import beliefs_named, read_ledger
from pytest_velo.report.track_record import track_record, track_record_lines


@click.command()
@click.option(
    "-n", "--most", type=click.IntRange(min=0), default=10, show_default=True, help="Findings to list."
)
@click.option("--json", "as_json", is_flag=True, help="Every prediction as a JSON object a line.")
@cache_dir_option()
def predictions(most: int, as_json: bool, cache_dir: Path) -> None:
    """Score what was predicted against what was found, over all past runs.

    A prediction, `predict=` in the mark, counts once for each belief and design, by what was said before its
    data.

    \f

    """  # noqa: D301 - click shows nothing below \f
    record = track_record(beliefs_named(read_ledger(cache_dir), ""))
    if as_json:
        for each in record.predictions:
            click.echo(json.dumps(each.as_json()))
        return
    width = max(60, shutil.get_terminal_size().columns)
    print_lines(track_record_lines(record, width, most=most))
