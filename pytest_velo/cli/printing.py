"""Lines on the terminal, in their colours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import click

from pytest_velo.report.lines import Line, fit_lines


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines in their colours, as far as the terminal can and the user wants them."""
    plain = bool(os.environ.get("NO_COLOR"))
    for line in fit_lines(list(lines), sys.stdout.encoding):
        markup = {} if plain else line.style.markup
        colour = next((name for name in ("red", "green", "yellow") if name in markup), None)
        click.secho(
            line.text, fg=colour, bold=markup.get("bold"), dim=markup.get("light"), reset=bool(markup)
        )
