"""Annotations of GitHub Actions: a line in the log that shows what went wrong at the test's own line.

Source: the workflow commands in GitHub's documentation; the escapes, the ten of each kind that a step may
have, and the most characters of one are those of its runner (`ActionCommand`, `ExecutionContext`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.failure import headline, rows
from pytest_velo.report.found import head_of, ranked
from pytest_velo.report.numbers import count
from pytest_velo.report.stubs import outcome_word, refusal
from pytest_velo.report.text import inline, neutralise, shorten

MOST = 10
"""Annotations of a kind that GitHub shows of a step."""
_TITLE = 200
_TEXT = 3_000
"""Characters; GitHub cuts at 4,096."""


class Kind(StrEnum):
    """How serious an annotation is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What is said at a line of a file.

    Attributes:
        kind: How serious it is.
        title: One line.
        text: One or more lines.
        file: Relative to the root of the repository.
        line: From 1; None if it is about the whole file.
    """

    kind: Kind
    title: str
    text: str
    file: str
    line: int | None = None


def annotation_of(result: HypothesisResult, file: str, line: int | None) -> Annotation | None:
    """Return what is said of a hypothesis; None of one that came out well, or was skipped.

    One that came out well is told of where a check found more than a note.
    """
    counted = [found for found in ranked(result.found) if found.counts]
    match result.outcome:
        case Outcome.REFUTED | Outcome.ERROR:
            kind = Kind.ERROR
        case Outcome.INCONCLUSIVE:
            kind = Kind.WARNING
        case _ if counted:
            kind = Kind.WARNING
        case _:
            return None
    told = [headline(result).text, *(row.text for row in rows(result) if row.label in ("trials", "observed"))]
    told += [f"{found.code} {head_of(found)}; {found.fix}" for found in counted]
    if result.rerun:
        told.append(f"run it again: {inline(result.rerun)}")
    model = f" ({result.model})" if result.model else ""
    title = f"{outcome_word(result)}: {result.belief}{model}"
    return Annotation(kind=kind, title=title, text="\n".join(told), file=file, line=line)


def annotation_of_stubs(result: HypothesisResult, file: str, line: int | None) -> Annotation | None:
    """Return what is said of a verdict that strict does not take because of its stubs; None without any."""
    text = refusal(result)
    title = f"{outcome_word(result)}: {result.belief}"
    return Annotation(kind=Kind.ERROR, title=title, text=text, file=file, line=line) if text else None


def annotation_lines(annotations: Sequence[Annotation]) -> Iterator[str]:
    """Yield the commands, at most ten of a kind; the last of more says how many there are."""
    for kind in Kind:
        mine = [each for each in annotations if each.kind is kind]
        shown = mine if len(mine) <= MOST else mine[: MOST - 1]
        yield from map(_command, shown)
        if len(mine) > MOST:
            more = count(len(mine) - len(shown), f"more {kind}")
            yield f"::{kind} title={_property(more)}::{_data('GitHub shows ten of a kind; the log has all')}"


def _command(annotation: Annotation) -> str:
    where = f"file={_property(annotation.file)}"
    if annotation.line is not None:
        where += f",line={annotation.line}"
    title = _property(inline(annotation.title, _TITLE))
    text = _data(neutralise(shorten(annotation.text, _TEXT)))
    return f"::{annotation.kind} {where},title={title}::{text}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
