"""One hypothesis in Markdown: its row of the table, and what is said of one that did not pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.failure import rows
from pytest_velo.report.found import head_of, ranked
from pytest_velo.report.lines import Line
from pytest_velo.report.lines import block as labelled
from pytest_velo.report.markdown.escaping import block, code, html, prose
from pytest_velo.report.page.entries import Entry, RankingShown, Sight
from pytest_velo.report.phrases import outside_text
from pytest_velo.report.text import shorten

_TEXT = 300
"""Characters of a text within a line."""
_TOLD = 4_000
"""Characters of what an error says."""
_TRANSCRIPT = 8_000
"""Characters of a transcript."""
_TURNS = 2
"""Transcripts of a hypothesis; the arms of a case count as one."""
_WIDTH = 100
"""Columns of a transcript: a block of code is not wrapped where it is shown."""
_LEFT_OUT = ("belief", "claim", "model", "notice", "context")


_NO_BREAK = "\xa0"


def table_row(entry: Entry, status: str) -> str:
    """Return a row of the table."""
    belief = "" if entry.belief in entry.name else f"{prose(entry.belief, _TEXT)}<br>"
    claimed = f"{belief}{code(entry.claim)}<br>{code(entry.name)}"
    seen = "<br>".join(prose(text) for text in (entry.observed, entry.interval) if text)
    trials = entry.n.replace(" of ", " of at most ") + (f"<br>{entry.saved} saved" if entry.saved else "")
    cells = (f"{entry.mark}{_NO_BREAK}{status}", claimed, seen, trials, prose(entry.cost))
    return f"| {' | '.join(cells)} |\n"


def against_baseline(entry: Entry, result: HypothesisResult) -> str:
    """Say how a claim about a change came out, and what it was compared with."""
    seen = " ".join(text for text in (entry.observed, entry.interval) if text) or entry.word
    facts = "; ".join(result.facts)
    return f"- {entry.mark} {code(entry.name)}: {prose(seen)}" + (
        f"; {prose(facts, 2 * _TEXT)}\n" if facts else "\n"
    )


def noticed(entry: Entry, result: HypothesisResult) -> Iterator[str]:
    """Yield what is to be said of a hypothesis that needs no reasons."""
    for notice in _notices(result):
        yield f"- {code(entry.name)}: {prose(notice, 2 * _TEXT)}\n"


def _notices(result: HypothesisResult) -> list[str]:
    problem = [result.problem] if result.outcome is Outcome.SKIPPED and result.problem else []
    found = (f"{each.code} {head_of(each)}" for each in ranked(result.found))
    return [*problem, *([outside_text(result.outside)] if result.outside else []), *result.notices, *found]


def details(entry: Entry, result: HypothesisResult) -> list[str]:
    """Say why a hypothesis did not pass: in full, and without its transcripts."""
    turns = islice(entry.sights, _TURNS)
    transcripts = [line for turn in turns for sight in turn for line in _transcript(sight)]
    head, again = [*_head(entry, result)], [*_again(entry)]
    texts = [[*head, *transcripts, *again]]
    if transcripts:
        texts.append([*head, "*There was no room for its transcripts.*", "", *again])
    return ["\n".join([*lines, ""]) for lines in texts]


def _head(entry: Entry, result: HypothesisResult) -> Iterator[str]:
    belief = entry.name if entry.belief in entry.name else entry.belief
    yield f"#### {entry.mark} {prose(entry.word, _TEXT)}: {prose(belief, _TEXT)}"
    yield ""
    model = f" · {code(entry.model)}" if entry.model else ""
    yield f"{code(entry.node_id)}{model}"
    yield ""
    yield f"Claim: {code(entry.claim)}, {prose(result.scope)}."
    yield ""
    if entry.outcome == Outcome.ERROR:
        yield from block(shorten(result.problem, _TOLD))
    else:
        yield f"**{prose(entry.headline, 2 * _TEXT)}**"
    yield ""
    for row in rows(result):
        if row.label not in _LEFT_OUT:
            yield f"- {row.label}: {prose(row.text, 2 * _TEXT)}"
    if entry.ranking is not None:
        yield ""
        yield from _ranking(entry.ranking)
    for text in (*result.facts, *_notices(result), *entry.prospect):
        yield f"- {prose(_LABEL.sub(': ', text), 2 * _TEXT)}"
    yield ""


def _ranking(ranking: RankingShown) -> Iterator[str]:
    """Yield the table of a ranking."""
    yield f"| {' | '.join(prose(head, _TEXT) for head in ranking.head)} |"
    yield "|" + " --- |" * len(ranking.head)
    for arm in ranking.arms:
        cells = [code(text) if at == 1 else prose(text, _TEXT) for at, text in enumerate(arm.text)]
        yield f"| {' | '.join(cells)} |"
    yield ""
    for caveat in ranking.caveats:
        yield f"- {prose(caveat, 2 * _TEXT)}"


_LABEL = re.compile(r"(?<=^needs) +|(?<=^advice) +|(?<=^because) +")
"""What stands between a label of the terminal and its text."""


def _transcript(sight: Sight) -> Iterator[str]:
    """Yield a trial that is shown when it is clicked on."""
    title, _, _ = sight.title.partition(" · seed ")
    first, _, _ = sight.outcome.partition("\n")
    yield f"<details><summary>{html(title)}: {html(shorten(first, 120))}</summary>"
    yield ""
    said = "\n".join(line.text for line in _said(sight))
    yield from block(shorten(said, _TRANSCRIPT))
    yield from ("", "</details>", "")


def _said(sight: Sight) -> Iterator[Line]:
    for role, text, facts in sight.messages:
        yield from labelled(role, text, _WIDTH, indent=0)
        if facts:
            yield from labelled("", facts, _WIDTH, indent=0)
    yield from labelled("outcome", sight.outcome, _WIDTH, indent=0)
    if sight.location:
        yield from labelled("at", sight.location, _WIDTH, indent=0)


def _again(entry: Entry) -> Iterator[str]:
    """Yield the command to copy."""
    command = entry.command or entry.rerun
    if command:
        yield "To continue:" if entry.command else "To run it again:"
        yield ""
        yield from block(command, "bash")
    yield ""
