"""What the Markdown of a run says, most urgent first: the verdicts, what moved, and why each failed.

It is made of the same values as the page (`report.page.entries`, `report.page.moved`) and shows less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_velo.records import HypothesisResult
from pytest_velo.report.earlier import compare_runs
from pytest_velo.report.found import counted
from pytest_velo.report.markdown.around import Around
from pytest_velo.report.markdown.banner import URGENT, Standing, banner, standing_of
from pytest_velo.report.markdown.entries import against_baseline, details, noticed, table_row
from pytest_velo.report.markdown.escaping import block, code, prose
from pytest_velo.report.markdown.fitting import Section, fitted
from pytest_velo.report.markdown.moves import moves
from pytest_velo.report.numbers import count
from pytest_velo.report.page.entries import Entry, entry_of, is_change
from pytest_velo.report.page.moved import Moved, moved_of
from pytest_velo.report.predictions import predictions_text
from pytest_velo.report.stubs import stubbed_text, stubs_of
from pytest_velo.report.summary import short_names, total_texts
from pytest_velo.report.text import shorten

if TYPE_CHECKING:
    from pytest_velo.report.load import Run

MARKER = "<!-- pytest-velo -->"
"""The first line of a comment, by which the next run finds it to replace it."""
COMMENT = 65_536
"""Bytes of a comment: GitHub takes as many characters, which are never fewer bytes."""

_TABLE = "\n| | hypothesis | observed | trials | cost |\n| --- | --- | --- | --- | --- |\n"
_TEXT = 600
"""Characters of a text within a line."""
_TROUBLE = 4_000
"""Characters of what went wrong outside of hypotheses."""


class _Shown(NamedTuple):
    entry: Entry
    result: HypothesisResult
    standing: Standing


def markdown_of(
    run: Run | None,
    before: Run | None = None,
    around: Around | None = None,
    *,
    limit: int = COMMENT,
    marker: str = MARKER,
) -> str:
    """Return a recorded run as Markdown; the trials of one hypothesis are in memory at a time.

    Args:
        run: The run; None if nothing was sampled.
        before: An earlier run, to tell what moved since; None without one.
        around: What is not in the record.
        limit: Most bytes in UTF-8.
        marker: The first line; empty for none.

    Raises:
        StoreError: The trials of a run cannot be read.
    """
    around = around or Around()
    found = [] if run is None else list(_shown(run, around))
    moved = None
    if run is not None and before is not None:
        known = {each.entry.node_id: (each.entry.id, each.entry.name) for each in found}
        moved = moved_of(compare_runs(before, run), known)
    head = [marker] if marker else []
    head += [f"## {banner([each.result for each in found], around)}", "", *_facts(run, around), ""]
    foot = ["", *_foot(run, around), ""]
    return fitted("\n".join(head), [*_sections(found, moved, around)], "\n".join(foot), limit)


def _shown(run: Run, around: Around) -> Iterator[_Shown]:
    """Yield what is shown of each hypothesis, the most urgent first."""
    results = run.document.results
    order = list(Standing)
    ranked = sorted(
        (order.index(standing_of(result, around)), at, name)
        for at, (result, name) in enumerate(zip(results, short_names(results), strict=True))
    )
    for rank, at, name in ranked:
        result, standing = results[at], order[rank]
        if standing in URGENT:
            result = replace(result, trials=run.trials_of(result.node_id))
        entry = entry_of(at, result, name, None, n_kept=0, has_path=False)
        yield _Shown(entry, replace(result, trials=()), standing)


def _sections(found: Sequence[_Shown], moved: Moved | None, around: Around) -> Iterator[Section]:
    rows = [table_row(each.entry, _status(each)) for each in found]
    yield Section(head=_TABLE, items=[[row] for row in rows], more=_left_out("hypotheses"))
    yield _section("Errors outside of hypotheses", _troubles(around), "errors")
    unsampled = (f"- {code(name)}: {prose(why, _TEXT)}\n" for name, why in around.unsampled.items())
    yield _section("Not sampled", unsampled, "hypotheses")
    if moved is not None:
        title = f"What moved since {code(moved.before)}\n\n{prose(moved.rates)}"
        yield _section(title, moves(moved), "comparisons")
    changes = (against_baseline(each.entry, each.result) for each in found if is_change(each.result))
    yield _section("Against the baseline", changes, "hypotheses")
    calm = (each for each in found if each.standing not in URGENT)
    notices = (text for each in calm for text in noticed(each.entry, each.result))
    yield _section("Notices", notices, "notices")
    urgent = [details(each.entry, each.result) for each in found if each.standing in URGENT]
    yield Section(head="\n### Why\n\n", items=urgent, more=_left_out("hypotheses"))


def _status(shown: _Shown) -> str:
    """Return how a hypothesis stands, and what was stubbed."""
    told = stubbed_text(stubs_of(shown.result))
    return f"{shown.standing} ({prose(told, _TEXT)})" if told else shown.standing


def _section(title: str, items: Iterable[str], things: str) -> Section:
    return Section(head=f"\n### {title}\n\n", items=[[item] for item in items], more=_left_out(things))


def _left_out(things: str) -> str:
    return f"\n*There was no room for {{n}} of the {things}.*\n"


def _facts(run: Run | None, around: Around) -> Iterator[str]:
    """Say what the run took, and what is missing from it."""
    if run is not None:
        results = run.document.results
        if told := predictions_text(results):
            yield from (prose(told), "")
        spent, facts = total_texts(results, run.document.duration_s)
        found = [text] if (text := counted(results)) else []
        yield prose(" · ".join([count(len(results), "hypothesis", "hypotheses"), *spent, *facts, *found]))
    if run is not None and run.is_partial:
        yield from ("", "**The run did not end:** hypotheses that had not ended are missing.")
    elif around.stopped:
        why = prose(around.stopped, _TEXT)
        yield from ("", f"**The run ended early:** {why}. What had not begun by then is missing.")


def _troubles(around: Around) -> Iterator[str]:
    for place, text in around.troubles:
        yield "\n".join([f"- {code(place)}", "", *_indented(block(shorten(text, _TROUBLE))), "", ""])


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _foot(run: Run | None, around: Around) -> Iterator[str]:
    for page in around.pages:
        yield from (f"The page of this run, with its transcripts: {code(page)}", "")
    if run is not None:
        document = run.document
        asked = (result.model for result in document.results if result.model is not None)
        models = ", ".join(dict.fromkeys(asked)) or "no model"
        facts = f"run {document.run_id} · seed {document.seed} · mode {document.mode} · {models}"
        yield prose(facts, _TEXT)
