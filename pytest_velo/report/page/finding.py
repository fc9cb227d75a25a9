"""One hypothesis, or a sweep, as HTML inside of somebody else's page: the output of a notebook's cell.

It runs nothing: no script, no event, no link, no address but the fragment's own. A viewer that drops its
style sheet or its drawing leaves the text. Every text is escaped by the template and has been through
`visible`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_velo.records import HypothesisResult, TrialRecord
from pytest_velo.report.document import invalid_trials, telling_turns, turn_of
from pytest_velo.report.numbers import percent
from pytest_velo.report.page.conversation import shown
from pytest_velo.report.page.drawing import HEIGHT, WIDTH, drawings_of
from pytest_velo.report.page.entries import Entry, Sight, entry_of, sight_of
from pytest_velo.report.page.path import Path
from pytest_velo.report.page.render import environment
from pytest_velo.report.summary import short_names

_LABEL = re.compile(r"^(\w+) {2,}")
_MOST = 3
"""Turns of each kind that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """Trials of one kind, the arms of a case together.

    Attributes:
        title: What they are, and how many there are.
        turns: Those that are shown.
    """

    title: str
    turns: tuple[tuple[Sight, ...], ...]


def finding_html(result: HypothesisResult, path: Path | None, run_id: str) -> str:
    """Return what a notebook shows of a result with its trials."""
    entry = _entry(result)
    return (
        environment()
        .get_template("finding.html.j2")
        .render(
            entry=entry,
            prospect=[_LABEL.sub(r"\1: ", text) for text in entry.prospect],
            level=_level(result),
            drawings=drawings_of(result, path),
            width=WIDTH,
            height=HEIGHT,
            sights=_sights(result),
            run_id=shown(run_id, 200),
        )
    )


def sweep_html(
    claim: str,
    parameters: Sequence[str],
    rows: Sequence[tuple[Sequence[str], HypothesisResult]],
    caption: str,
    run_id: str,
) -> str:
    """Return what a notebook shows of a sweep.

    Args:
        claim: As it was written.
        parameters: The names of what was swept.
        rows: The values of each setting, as texts, and its result.
        caption: What the error rates hold for.
        run_id: The run's name.
    """
    shown_rows = [
        ([shown(value, 2_000) for value in values], _entry(result), _sights(result))
        for values, result in rows
    ]
    return (
        environment()
        .get_template("sweep.html.j2")
        .render(
            claim=shown(claim, 2_000),
            scope=shown(rows[0][1].scope, 200),
            parameters=[shown(name, 80) for name in parameters],
            rows=shown_rows,
            caption=shown(caption, 2_000),
            run_id=shown(run_id, 200),
        )
    )


def _entry(result: HypothesisResult) -> Entry:
    (name,) = short_names([result])
    return entry_of(0, result, name, None, n_kept=0, has_path=False)


def _level(result: HypothesisResult) -> str:
    ends = None if result.decision is None else result.decision.evidence.interval
    return "" if ends is None else f"{percent(ends.level)} interval"


def _sights(result: HypothesisResult) -> tuple[Sights, ...]:
    against = telling_turns(result)
    invalid = [(trial,) for trial in invalid_trials(result, len(result.trials))]
    turns = [tuple(turn) for _, turn in groupby(result.trials, key=turn_of)]
    order = random.Random(f"{result.seed} {result.node_id}").sample(turns, len(turns))
    kinds = (("against the claim", against), ("invalid", invalid), ("at random", order))
    return tuple(_kind(result, name, found) for name, found in kinds if found)


def _kind(result: HypothesisResult, name: str, turns: Sequence[tuple[TrialRecord, ...]]) -> Sights:
    chosen = turns[:_MOST]
    things = "pairs" if any(len(turn) > 1 for turn in turns) else "trials"
    many = f"{len(chosen)} of {len(turns):,}" if len(turns) > len(chosen) else f"{len(turns):,}"
    return Sights(
        title=f"{things} {name} ({many})".capitalize(),
        turns=tuple(tuple(sight_of(trial, result) for trial in turn) for turn in chosen),
    )
