"""The summary of a step of GitHub Actions: a file that several commands of the step may add to."""

from __future__ import annotations

from pathlib import Path

from pytest_velo.report.earlier import earlier_run
from pytest_velo.report.load import Run
from pytest_velo.report.markdown.around import Around
from pytest_velo.report.markdown.document import markdown_of

MOST = 900_000
"""Bytes of the file. GitHub takes none of it above 1,048,576, whoever wrote them."""
LEAST = 4_000
"""Bytes below which nothing is added: GitHub would show less than a head."""


def add_to(path: Path, run: Run | None, around: Around) -> bool:
    """Add a run to the summary of a step.

    Returns:
        Whether there was room for it.

    Raises:
        OSError: The file cannot be written.
        StoreError: The trials of a run cannot be read.
    """
    before = path.stat().st_size if path.exists() else 0
    room = MOST - before
    if room < LEAST:
        return False
    text = markdown_of(run, None if run is None else earlier_run(run), around, limit=room, marker="")
    if len(text.encode()) > room:
        return False
    with path.open("ab") as file:
        file.write(b"\n" * bool(before) + text.encode())
    return True
