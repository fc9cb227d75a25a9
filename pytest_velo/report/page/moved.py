"""What moved since an earlier run, what hurts first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_velo.baselines.recorded import Compared, RecordedComparison
from pytest_velo.claims import Mean
from pytest_velo.report.comparison import (
    MOST_FLIPS,
    RunComparison,
    flip_counts,
    flip_text,
    outcomes_text,
    part_texts,
    rates_text,
)
from pytest_velo.report.lines import Style
from pytest_velo.report.numbers import rate
from pytest_velo.report.page.conversation import shown
from pytest_velo.report.text import inline


@dataclass(frozen=True, slots=True, kw_only=True)
class Flipped:
    """A trial that came out otherwise than before, and its anchor."""

    text: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A statistic of a hypothesis that moved.

    Attributes:
        id: The anchor of the hypothesis.
        style: How the change is to be taken.
        text: Whether it is a change, and which.
        numbers: From where to where, over how many pairs.
        flips: The trials that moved most; `counts` says how many moved each way.
        changes: What else differs between the runs, as far as the records tell.
    """

    id: str
    name: str
    style: Style
    text: str
    numbers: str
    counts: str
    flips: tuple[Flipped, ...]
    changes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What moved since an earlier run.

    Attributes:
        before: The id of that run.
        moves: What got worse, then what changed, then what got better.
        still: Where no change is shown: its anchor, name, numbers and what that means.
        not_compared: Names, and why.
        rates: How many comparisons there were, and how many false changes to expect.
    """

    before: str
    moves: tuple[Move, ...]
    still: tuple[Move, ...]
    not_compared: tuple[tuple[str, str], ...]
    only_before: tuple[str, ...]
    only_now: tuple[str, ...]
    rates: str


def moved_of(runs: RunComparison, known: Mapping[str, tuple[str, str]]) -> Moved:
    """Return what moved; `known` has the anchor and the name of each test by its node id."""
    moves = [
        _move(hypothesis, part, runs, *known.get(hypothesis.node_id, ("", shown(hypothesis.node_id))))
        for hypothesis in runs.hypotheses
        for part in hypothesis.parts
    ]
    return Moved(
        before=shown(runs.before, 200),
        moves=tuple(
            sorted(
                (move for move in moves if move.style is not Style.PLAIN),
                key=lambda move: _FIRST.index(move.style),
            )
        ),
        still=tuple(move for move in moves if move.style is Style.PLAIN),
        not_compared=tuple(
            (shown(hypothesis.node_id, 400), shown(hypothesis.reason))
            for hypothesis in runs.hypotheses
            if hypothesis.reason
        ),
        only_before=tuple(shown(name, 400) for name in runs.only_before),
        only_now=tuple(shown(name, 400) for name in runs.only_now),
        rates=rates_text(runs),
    )


_FIRST = (Style.BAD, Style.WARN, Style.GOOD)


def _move(
    hypothesis: RecordedComparison, part: Compared, runs: RunComparison, anchor: str, name: str
) -> Move:
    (numbers, _), (text, style) = part_texts(part, runs)
    score, said = isinstance(part.part.statistic, Mean), hypothesis.outcomes
    return Move(
        id=anchor,
        name=name,
        style=style,
        text=shown(text),
        numbers=shown(numbers if said is None else f"{outcomes_text(said)}; {numbers}"),
        counts=flip_counts(part) if part.flips else "",
        flips=tuple(
            Flipped(text=inline(flip_text(flip, score), 200), id=f"{anchor}-t{flip.trial.index}")
            for flip in part.flips[:MOST_FLIPS]
        ),
        changes=shown(", ".join(hypothesis.changes)),
    )


def flips_of(compared: RecordedComparison | None) -> dict[int, str]:
    """Return what the trials of a test were before, by index, where they came out otherwise."""
    if compared is None:
        return {}
    return {
        flip.trial.index: rate(flip.before) if isinstance(part.part.statistic, Mean) else f"{flip.before:g}"
        for part in compared.parts
        for flip in part.flips
    }
