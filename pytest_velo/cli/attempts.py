"""`velo attempts`: the attempts at beliefs."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from pytest_velo.cache.attempts import Entry
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.cli.ledger_of_attempts import beliefs_named, read_ledger
from pytest_velo.errors import UsageError
from pytest_velo.report.history import ROW, beliefs_lines, history_lines, rows_of
from pytest_velo.report.lines import Line, fit_lines
from pytest_velo.report.text import neutralise


@click.command()
@click.argument("test", default="")
@click.option("--json", "as_json", is_flag=True, help="Every entry of the ledger, a JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="A row an attempt, with what it last found.")
@cache_dir_option()
def attempts(test: str, as_json: bool, as_csv: bool, cache_dir: Path) -> None:
    """List the attempts at beliefs, or write them all as JSON or CSV.

    Without TEST, a line for each belief. With a part of a test's id, each attempt: its prompt, body, model,
    rung and draws, and what was found. The ledger is only added to, and nothing prunes it.

    \f

    """  # noqa: D301 - click shows nothing below \f
    if as_json and as_csv:
        raise UsageError("--json and --csv are two forms of one list", fix="drop one")
    beliefs = beliefs_named(read_ledger(cache_dir), test)
    if as_json:
        for entry in _in_order(beliefs):
            click.echo(json.dumps(msgspec.to_builtins(entry)))  # ASCII: no terminal acts on it
    elif as_csv:
        click.echo(_csv(beliefs), nl=False)
    else:
        width = max(60, shutil.get_terminal_size().columns)
        lines = history_lines(beliefs, width) if test else beliefs_lines(beliefs, width)
        print_lines(lines)


def print_lines(lines: Iterable[Line]) -> None:
    """Print styled lines."""
    for line in fit_lines(lines, sys.stdout.encoding):
        markup = line.style.markup
        colour = next((name for name in ("red", "green", "yellow") if name in markup), None)
        click.secho(line.text, fg=colour, bold=markup.get("bold"), dim=markup.get("light"))


def _in_order(beliefs: Iterable[Iterable[Entry]]) -> list[Entry]:
    return sorted((entry for belief in beliefs for entry in belief), key=lambda entry: entry.at)


def _csv(beliefs: Iterable[list[Entry]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ROW)
    for row in (row for belief in beliefs for row in rows_of(belief)):
        writer.writerow([neutralise(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()
