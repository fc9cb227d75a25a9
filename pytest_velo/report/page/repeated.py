"""What a run repeats, and how each of its hypotheses came out then and now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_velo.records import HypothesisResult, Repeat, RepeatKind, Replication
from pytest_velo.report.again import name_in, originals
from pytest_velo.report.document import RunDocument
from pytest_velo.report.numbers import interval, percent, rate
from pytest_velo.report.page.conversation import shown
from pytest_velo.report.page.entries import Entry
from pytest_velo.report.phrases import mark
from pytest_velo.report.replicated import labels_text, replicated_text, shrank


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A hypothesis then and now.

    Attributes:
        then: Its outcome in the run that is repeated; of several models, each of them.
        together: What the evidence of all runs says, or why it is not multiplied; empty for a rerun.
        moved: How far its estimate moved; empty if that is not known.
    """

    entry: Entry
    then: tuple[tuple[str, str], ...]
    together: str
    moved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The run that a run repeats.

    Attributes:
        title: Which, and how.
        summary: How many came out alike.
        is_replication: On fresh draws, and not on another model.
    """

    title: str
    summary: str
    is_replication: bool
    rows: tuple[Row, ...]


def repeated_of(
    document: RunDocument,
    before: Sequence[HypothesisResult],
    shown_results: Sequence[tuple[Entry, HypothesisResult]],
) -> Repeated | None:
    """Return what a run repeats; None if it repeats none.

    Args:
        document: The run.
        before: The results of the run that it repeats; empty if its record is gone.
        shown_results: The hypotheses of the page, with their entries.
    """
    repeat = document.repeats
    if repeat is None:
        return None
    if repeat.kind is RepeatKind.REPLICATE:
        return Repeated(
            title=f"Replication {repeat.number} of {shown(repeat.run, 200)}, on fresh draws",
            summary=replicated_text(document.results),
            is_replication=True,
            rows=tuple(
                _replicated(entry, result, result.replication)
                for entry, result in shown_results
                if result.replication is not None
            ),
        )
    rows = tuple(_rerun(repeat, before, shown_results))
    alike = sum(all(word == row.entry.outcome for _, word in row.then) for row in rows)
    return Repeated(
        title=f"A rerun of {shown(repeat.run, 200)} on {shown(repeat.on or '', 200)}",
        summary=f"{alike} of {len(rows)} came out as before" if rows else "the record of that run is gone",
        is_replication=False,
        rows=rows,
    )


def _replicated(entry: Entry, now: HypothesisResult, found: Replication) -> Row:
    moved = ""
    if found.difference is not None:
        moved = f"{found.difference:+.3g}, from {rate(found.estimate)}"
        if found.difference_interval is not None:
            ends, level = interval(found.difference_interval), percent(found.difference_interval.level)
            moved += f"; {ends} at {level} at least"
        if shrank(found, now):
            moved += "; it shrank"
    if labels := labels_text(found, now):
        moved += f" ({labels})" if moved else labels
    together = f"{found.combined}, of {found.n_runs} runs" if found.combined else found.why_not
    return Row(
        entry=entry,
        then=((mark(found.outcome), found.outcome.value),),
        together=shown(together),
        moved=moved,
    )


def _rerun(
    repeat: Repeat,
    before: Sequence[HypothesisResult],
    shown_results: Sequence[tuple[Entry, HypothesisResult]],
) -> Iterator[Row]:
    known = originals(repeat, before)
    for entry, result in shown_results:
        olds = known.get(name_in(repeat, result), [])
        if olds:
            then = tuple((mark(old.outcome), old.outcome.value) for old in olds)
            yield Row(entry=entry, then=then, together="", moved="")
