"""All past predictions against what was found: scores, a calibration table, and the surprises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from pytest_velo.cache.attempt_ledger import attempts_in
from pytest_velo.cache.attempts import Entry, Foretold, Found
from pytest_velo.records import Outcome
from pytest_velo.report.lines import Line, Style, paragraph
from pytest_velo.report.numbers import count
from pytest_velo.report.phrases import mark
from pytest_velo.report.predictions import Scored, brier, log_score
from pytest_velo.report.text import inline, pad
from pytest_velo.verdicts import Verdict

FEW = 10
"""Below so many predictions a score says little, and the reader is told."""

_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_FOUND = {Verdict.SUPPORTED.value: 1.0, Verdict.REFUTED.value: 0.0}


class Predicted(NamedTuple):
    """What was predicted of one design of a belief, and what came.

    Attributes:
        p: What was last said before the data; None if nothing was.
        last: What was last said at all.
        verdict: The first one that settled it; empty if none did.
        is_late: The draws that settled it are older than the prediction, or nothing was said before the data.
    """

    test: str
    sentence: str
    claim: str
    model: str
    p: float | None
    last: float
    verdict: str
    is_late: bool
    at: str

    @property
    def scored(self) -> Scored | None:
        """What is scored; None if it was said too late, or is not settled."""
        if self.p is None or self.is_late or not self.verdict:
            return None
        return Scored(self.p, _FOUND[self.verdict])

    def as_json(self) -> dict[str, Any]:
        """Return it with its scores as JSON."""
        scored = self.scored
        return {
            **self._asdict(),
            "verdict": self.verdict or None,
            "brier": None if scored is None else scored.brier,
            "log_score": None if scored is None else scored.surprise,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """Every prediction in the ledger, each once for its belief and design."""

    predictions: tuple[Predicted, ...]

    @property
    def scored(self) -> list[tuple[Predicted, Scored]]:
        """Those that are scored, the most surprising first."""
        found = [(each, scored) for each in self.predictions if (scored := each.scored) is not None]
        return sorted(found, key=lambda pair: -pair[1].surprise)


def track_record(beliefs: Iterable[Sequence[Entry]]) -> TrackRecord:
    """Gather the predictions of each belief's entries."""
    return TrackRecord(predictions=tuple(each for history in beliefs for each in _of(history)))


def _settled(history: Sequence[Entry], design: tuple[str, str]) -> Found | None:
    """Return the first finding that settles a design: on a ladder, a supported rung, or the last refuted."""
    rungs = {each.id: each.rung for each in attempts_in(history) if (each.claim_hash, each.model) == design}
    verdicts: dict[str, str] = {}
    for entry in history:
        if not isinstance(entry, Found) or entry.attempt not in rungs:
            continue
        verdicts[rungs[entry.attempt]] = entry.verdict
        if entry.verdict == Verdict.SUPPORTED:
            return entry
        if entry.ends and all(verdict == Verdict.REFUTED for verdict in verdicts.values()):
            return entry
    return None


def _of(history: Sequence[Entry]) -> Iterator[Predicted]:
    designs = dict.fromkeys(
        (entry.claim_hash, entry.model) for entry in history if isinstance(entry, Foretold)
    )
    for design in designs:
        said = [
            entry
            for entry in history
            if isinstance(entry, Foretold) and (entry.claim_hash, entry.model) == design
        ]
        before = [entry for entry in said if not entry.seen]
        settled = _settled(history, design)
        kept = before[-1] if before else None
        older = kept is not None and settled is not None and "" < settled.oldest < kept.at
        yield Predicted(
            test=said[-1].test,
            sentence=said[-1].sentence,
            claim=said[-1].claim,
            model=design[1],
            p=None if kept is None else kept.p,
            last=said[-1].p,
            verdict="" if settled is None else settled.verdict,
            is_late=kept is None or older,
            at=said[0].at if kept is None else kept.at,
        )


def track_record_lines(record: TrackRecord, width: int, *, most: int) -> Iterator[Line]:
    """Say how good the predictions were: the scores, the calibration, then the `most` surprising findings."""
    every, pairs = record.predictions, record.scored
    if not every:
        yield Line("no predictions yet: predict=0.8 in the mark, before the first run")
        return
    scored = [scored for _, scored in pairs]
    n_late = sum(each.is_late for each in every)
    n_open = len(every) - n_late - len(scored)
    left = [
        *([f"{n_open} undecided"] if n_open else []),
        *([f"{n_late} said too late to score"] if n_late else []),
    ]
    head = [count(len(every), "prediction"), f"{len(scored)} scored", *left]
    yield from paragraph(" · ".join(head), Style.BOLD, width)
    if not scored:
        return
    n_right = sum(each.is_right for each in scored)
    yield from paragraph(
        f"{n_right} of {len(scored)} right · Brier {brier(scored):.3f} (0.250 for always saying 0.5)"
        f" · log score {log_score(scored):.3f} nats (0.693)",
        Style.PLAIN,
        width,
    )
    if len(scored) < FEW:
        yield Line(f"n = {len(scored)}: too few to tell skill from luck", Style.WARN)
    yield Line("")
    yield from _calibration_lines(scored)
    if most:
        yield Line("")
        yield Line("the most surprising first", Style.DIM)
    for each, one in pairs[:most]:
        model = f" [{each.model}]" if each.model else ""
        what = f"{each.sentence or each.test}{model} ({each.claim})"
        sign = mark(Outcome(each.verdict))
        yield Line(inline(f"{sign} said {one.p:g}, {each.verdict} ({one.surprise:.2f} nats)  {what}", width))
    if len(pairs) > most > 0:
        yield Line(f"and {len(pairs) - most} more (--most)", Style.DIM)


def _calibration_lines(scored: Sequence[Scored]) -> Iterator[Line]:
    """Compare what was said with what came, in five bins; every share is shown with its n."""
    head = ("said", "n", "mean said", "supported")
    rows = []
    for low, high in pairwise(_EDGES):
        inside = [each for each in scored if low <= each.p < high or (high == 1.0 and each.p == 1.0)]
        n_for = sum(each.found == 1.0 for each in inside)
        mean = f"{sum(each.p for each in inside) / len(inside):.2f}" if inside else ""
        rows.append((f"{low:.1f} to {high:.1f}", str(len(inside)), mean, f"{n_for} of {len(inside)}"))
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    for row in (head, *rows):
        style = Style.DIM if row is head or row[1] == "0" else Style.PLAIN
        yield Line(
            "  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip(), style
        )
