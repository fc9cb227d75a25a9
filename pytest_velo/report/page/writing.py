"""Writing the page of a run: the whole of it, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_velo.errors import StoreError
from pytest_velo.report.page.data import page_of
from pytest_velo.report.page.render import html_of
from pytest_velo.report.page.sample import MOST_TRANSCRIPTS
from pytest_velo.writing import whole

if TYPE_CHECKING:
    from pytest_velo.report.load import Run


def write_page(run: Run, path: Path, before: Run | None = None, *, most: int = MOST_TRANSCRIPTS) -> None:
    """Write the page of a recorded run; `before` and `most` as in `page_of`.

    Raises:
        StoreError: It cannot be written, or the record not read.
    """
    html = html_of(page_of(run, before, most=most))
    try:
        with whole(path) as part:
            part.write_bytes(html)
    except OSError as problem:
        raise StoreError(
            f"the page cannot be written: {problem.strerror or problem}",
            where=str(path),
            fix="name a file in a folder that can be written to: velo report -o FILE",
        ) from problem
