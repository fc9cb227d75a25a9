"""What two recorded runs have in common and what changed between them, as lines: `velo compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_velo.baselines.recorded import Compared, Flip, RecordedComparison
from pytest_velo.claims import Mean
from pytest_velo.records import UnitKind
from pytest_velo.report.folding import MOST_LISTED
from pytest_velo.report.lines import Line, Style, fit_lines, paragraph
from pytest_velo.report.numbers import count, interval, percent, rate
from pytest_velo.report.text import display, inline
from pytest_velo.verdicts import Interval

MOST_FLIPS = 5

_ID_WIDTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """Two recorded runs.

    Attributes:
        before, now: The ids of the runs.
        alpha: Upper bound, for each comparison, on P(a change is reported although there is none).
        hypotheses: Those in both runs, in the order of the second.
        only_before, only_now: Names of those in only one run.
        margin: A distance in the statistics' own units that would matter; None if not given.
        is_family: `alpha` holds for all comparisons together.
    """

    before: str
    now: str
    alpha: float
    hypotheses: tuple[RecordedComparison, ...]
    only_before: tuple[str, ...] = ()
    only_now: tuple[str, ...] = ()
    margin: float | None = None
    is_family: bool = False

    @property
    def worse(self) -> bool:
        """Whether any comparison found a worsening."""
        return any(part.worse for hypothesis in self.hypotheses for part in hypothesis.parts)


def comparison_lines(runs: RunComparison, *, width: int = 80, encoding: str | None = "utf-8") -> list[Line]:
    """Return what `velo compare` prints; `width` is at least 40 columns."""
    shown = _shown(runs.hypotheses)
    lines = [
        Line(inline(f"before  {runs.before}", width)),
        Line(inline(f"now     {runs.now}", width)),
        *(line for hypothesis in shown for line in _hypothesis(hypothesis, runs, width)),
        *_not_shown(runs.hypotheses, len(shown), width),
        *_alone("only before", runs.only_before, width),
        *_alone("only now", runs.only_now, width),
        Line(""),
        *_totals(runs, width),
    ]
    return fit_lines(lines, encoding)


def _shown(hypotheses: Sequence[RecordedComparison]) -> Sequence[RecordedComparison]:
    """Return what is shown: all if they are few, else those that moved or were not compared."""
    if len(hypotheses) <= MOST_LISTED:
        return hypotheses
    return [each for each in hypotheses if _wants_a_look(each)][:MOST_LISTED]


def _wants_a_look(hypothesis: RecordedComparison) -> bool:
    return bool(hypothesis.reason) or any(part.moved for part in hypothesis.parts)


def _not_shown(hypotheses: Sequence[RecordedComparison], n_shown: int, width: int) -> Iterator[Line]:
    """Count what is left out, and say how to see it."""
    if n_shown == len(hypotheses):
        return
    n_looked_at = sum(map(_wants_a_look, hypotheses))
    left = [f"{len(hypotheses) - n_looked_at:,} in which no change is shown"]
    if n_looked_at > n_shown:
        left.append(f"{n_looked_at - n_shown:,} that changed or were not compared")
    yield Line("")
    text = f"not listed: {' and '.join(left)} (name a part of their node ids: velo compare A B PART)"
    yield from paragraph(text, Style.DIM, width)


def _change_text(compared: Compared, alpha: float) -> tuple[str, Style]:
    """Say whether a statistic changed, and in which style."""
    if not compared.stands:
        return f"a change at {percent(alpha)} by itself, and none among all comparisons (Holm)", Style.PLAIN
    if compared.moved == 0:
        return f"no change is shown at {percent(alpha)}: {_open(compared)}", Style.PLAIN
    fell = "it rose" if compared.moved > 0 else "it fell"
    if compared.unit is UnitKind.OUTCOME:
        fell += " in some of these cases"
    if compared.part.better == 0:
        return f"changed: {fell}", Style.WARN
    return (f"worse: {fell}", Style.BAD) if compared.worse else (f"better: {fell}", Style.GOOD)


def margin_text(ends: Interval | None, better: int, margin: float) -> str:
    """Say what the interval of a difference rules out about a margin.

    Args:
        ends: The interval of now minus before; None before any pair.
        better: +1 if larger is better, -1 if smaller is, 0 if neither.
        margin: > 0, in the units of the interval.
    """
    if ends is None:
        return f"a change of {margin:g} or more is not ruled out"
    if ends.high <= -margin or ends.low >= margin:
        return f"the change is {margin:g} or more"
    no_less, no_more = ends.low > -margin, ends.high < margin
    if no_less and no_more:
        return f"the change is less than {margin:g}"
    moved = ends.low >= 0.0 or ends.high <= 0.0  # then what is ruled out goes without saying
    if better == 0 or moved or not (no_less or no_more):
        return f"a change of {margin:g} or more is not ruled out"
    return f"{'worse' if no_less == (better > 0) else 'better'} by less than {margin:g}"


def _hypothesis(hypothesis: RecordedComparison, runs: RunComparison, width: int) -> Iterator[Line]:
    yield Line("")
    yield Line(inline(name_of(hypothesis.node_id, hypothesis.model_before, hypothesis.model_now), width))
    if hypothesis.outcomes is not None:
        yield from _indented(outcomes_text(hypothesis.outcomes), width)
    if hypothesis.reason:
        yield from _indented(f"not compared: {hypothesis.reason}", width, Style.WARN)
    for part in hypothesis.parts:
        yield from _part(part, runs, width)
    if hypothesis.changes:
        yield from _indented(f"between the runs changed: {', '.join(hypothesis.changes)}", width)


def outcomes_text(outcomes: tuple[str, str]) -> str:
    """Say what each run said."""
    before, now = outcomes
    return f"{before} in both" if before == now else f"{before} -> {now}"


def name_of(node_id: str, before: str | None, now: str | None) -> str:
    """Name a hypothesis with its model, or with both models if they differ."""
    models = [model or "no model" for model in ((now,) if before == now else (before, now))]
    return node_id if before is now is None else f"{node_id}  {' -> '.join(models)}"


def _part(part: Compared, runs: RunComparison, width: int) -> Iterator[Line]:
    for text, style in part_texts(part, runs):
        yield from _indented(text, width, style)
    if part.flips:
        yield from _indented(_flips(part), width)


def part_texts(part: Compared, runs: RunComparison) -> tuple[tuple[str, Style], tuple[str, Style]]:
    """Say how far a statistic is from what it was, then whether that is a change, and which."""
    comparison = part.comparison
    arm = f" in arm {part.arm}" if part.arm else ""
    over = _pairs(part)
    means = f"{rate(comparison.mean_before)} -> {rate(comparison.mean_now)} over {over}"
    off = rate(comparison.difference)
    if comparison.interval is not None:
        off += f" {interval(comparison.interval)} at {percent(1 - runs.alpha)}"
    text, style = _change_text(part, runs.alpha)
    if runs.margin is not None:
        text += f"; {margin_text(comparison.interval, part.part.better, runs.margin)}"
    return (f"{part.part.statistic}{arm}: {means}; difference {off}", Style.PLAIN), (text, style)


def _counted(part: Compared) -> str:
    """Name what is counted."""
    return part.unit.value if part.unit in (UnitKind.CASE, UnitKind.GROUP) else "pair"


def _pairs(part: Compared) -> str:
    comparison, unit = part.comparison, _counted(part)
    pairs = count(comparison.n_pairs, "pair")
    if unit != "pair":
        pairs += f" of {count(comparison.n_units, unit)}"
    if part.n_left_out:
        return f"{pairs} ({part.n_left_out:,} more with an invalid side left out)"
    return f"{pairs} ({comparison.n_invalid:,} invalid)" if comparison.n_invalid else pairs


def _open(part: Compared) -> str:
    comparison, unit = part.comparison, _counted(part)
    if comparison.n_up == comparison.n_down == comparison.n_invalid == 0:
        return "the same in every pair"
    if comparison.n_more is None:
        return f"no number of {unit}s within max_trials is likely to show one"
    return f"about {count(comparison.n_more, f'more {unit}')} may show one"


def flip_counts(part: Compared) -> str:
    """Say how many outcomes moved each way."""
    score = isinstance(part.part.statistic, Mean)
    ways = ("down", "up") if score else ("to 0", "to 1")
    verb = "moved" if score else "flipped"
    return f"{verb} {part.comparison.n_down:,} {ways[0]} and {part.comparison.n_up:,} {ways[1]}"


def _flips(part: Compared) -> str:
    """Say how many outcomes moved each way, and which trials moved most."""
    score = isinstance(part.part.statistic, Mean)
    shown = "; ".join(flip_text(flip, score) for flip in part.flips[:MOST_FLIPS])
    more = f"; {len(part.flips) - MOST_FLIPS:,} more" if len(part.flips) > MOST_FLIPS else ""
    return f"{flip_counts(part)}: {shown}{more}"


def flip_text(flip: Flip, score: bool) -> str:
    """Name a trial that moved, and say from where to where."""
    trial = flip.trial
    name = f"case {inline(trial.case_id, _ID_WIDTH)}" if trial.case_id else f"trial {trial.index}"
    if trial.case_id and trial.repeat:
        name += f" (repeat {trial.repeat})"
    return f"{name}: {rate(flip.before)} -> {rate(flip.now)}" if score else f"{name} to {flip.now:g}"


def _indented(text: str, width: int, style: Style = Style.PLAIN) -> list[Line]:
    return [Line(f"  {piece}", style) for piece in display(text, width - 2)]


def _alone(label: str, names: Sequence[str], width: int) -> Iterator[Line]:
    if names:
        yield Line("")
        yield Line(label, Style.DIM)
        yield from (Line(f"  {inline(name, width - 2)}", Style.DIM) for name in names)


def _totals(runs: RunComparison, width: int) -> list[Line]:
    return paragraph(rates_text(runs), Style.BOLD, width)


def rates_text(runs: RunComparison) -> str:
    """Say how many comparisons there were, and how many false changes to expect."""
    n = sum(len(hypothesis.parts) for hypothesis in runs.hypotheses)
    if n == 0:
        return "nothing was compared"
    if runs.is_family and n > 1:
        return (
            f"{n} comparisons, together at {percent(runs.alpha)} (Holm): the chance that any of them shows a"
            f" change where there is none is at most {percent(runs.alpha)}; each interval is one by itself"
        )
    each = "" if n == 1 else "each "
    words = f"{count(n, 'comparison')}, {each}at {percent(runs.alpha)}: where nothing changed, expect at most"
    return f"{words} {n * runs.alpha:.2g} false changes"
