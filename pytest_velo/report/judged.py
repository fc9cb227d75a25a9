"""What `velo judge` says about logs: what was read, each verdict or estimate, and what flipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pytest_velo.baselines.written import parts_of
from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, TrialRecord, UnitKind
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import Line, Style, block, fit_lines, paragraph
from pytest_velo.report.numbers import count, interval, percent, rate
from pytest_velo.report.outlook import outlook
from pytest_velo.report.phrases import mark, n_trials
from pytest_velo.report.text import columns, inline, pad
from pytest_velo.verdicts import PairCounts

_NAME_WIDTH = 40
_ID_WIDTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was read and judged.

    Attributes:
        logs: What each arm is, by its name.
        results: The claims' results, or the estimates'.
        run_id: The record.
        skipped: What was not estimated, and why.
    """

    logs: Mapping[str, str]
    results: tuple[HypothesisResult, ...]
    run_id: str
    skipped: tuple[str, ...] = ()


def judged_lines(
    judged: Judged, show: int, verbosity: int = 0, *, width: int = 80, encoding: str | None = "utf-8"
) -> list[Line]:
    """Return what `velo judge` prints.

    Args:
        judged: What to show.
        show: Most samples to show of each kind, from 0.
        verbosity: As in `failure_lines`.
        width: Columns of the terminal, at least 40.
        encoding: Encoding of the stream.
    """
    lines: list[Line] = []
    measured = [result for result in judged.results if result.outcome is Outcome.MEASURED]
    if measured:  # a claim says itself what it was judged on
        for arm, told in judged.logs.items():
            lines += block(inline(arm, _NAME_WIDTH), told, width)
        lines += [Line(""), *_estimates(measured, width)]
    for reason in judged.skipped:
        lines += block("skipped", reason, width, Style.WARN)
    for result in judged.results:
        if result not in measured:
            untold = replace(result, rerun="")  # it comes last
            lines += [Line(""), *failure_lines(untold, show, verbosity, width=width, encoding=encoding)]
            lines += [*_flips(result, show, width), *_needs(result, width)]
            lines += [Line(""), Line(f"judge it again: {inline(result.rerun)}")]
    lines += [Line(""), *paragraph(_total(judged), Style.BOLD, width)]
    return fit_lines(lines, encoding)


def _estimates(results: Sequence[HypothesisResult], width: int) -> Iterator[Line]:
    yield Line("estimates", Style.BOLD)
    rows = [(_about(result), _number(result), _counted(result)) for result in results]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for result, row in zip(results, rows, strict=True):
        text = "  ".join(map(pad, row, widths)).rstrip()
        if columns(text) + 2 <= width:
            yield Line(f"  {text}")
        else:
            yield Line(f"  {inline(row[0], width - 2)}")
            yield from (Line(f"    {inline(cell, width - 4)}") for cell in row[1:])
        for notice in result.notices:
            yield from block("notice", notice, width, Style.WARN, indent=4)
    level = percent(results[0].alpha)
    yield from paragraph(f"each interval misses at most {level} of the time", Style.DIM, width)


def _about(result: HypothesisResult) -> str:
    arms = result.node_id.partition("::")[0]
    statistic = result.claim.removeprefix("estimate(").removesuffix(")")
    return statistic if statistic.startswith("difference") else f"{inline(arms, _NAME_WIDTH)}: {statistic}"


def _number(result: HypothesisResult) -> str:
    assert result.decision is not None  # it is measured
    evidence = result.decision.evidence
    ends = evidence.interval
    return (
        rate(evidence.estimate)
        if ends is None
        else (f"{rate(evidence.estimate)}, {percent(ends.level)} interval {interval(ends)}")
    )


def _counted(result: HypothesisResult) -> str:
    assert result.decision is not None
    evidence = result.decision.evidence
    trials = n_trials(evidence)
    things = "pair" if evidence.pairs is not None else "outcome"
    counted = count(trials, things)
    match result.unit:
        case UnitKind.CASE:
            counted += f" of {count(evidence.n, 'sample')}"
        case UnitKind.GROUP:
            counted += f" in {count(evidence.n, 'group')}"
    return f"{counted}, {evidence.n_invalid:,} invalid"


def _flips(result: HypothesisResult, show: int, width: int) -> Iterator[Line]:
    """Name the pairs in which the arms differ, each way."""
    pairs = None if result.decision is None else result.decision.evidence.pairs
    if pairs is None or not pairs.n_first + pairs.n_second:
        return
    ways: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
    for _, turn in groupby(result.trials, key=lambda trial: (trial.unit, trial.case_id, trial.repeat)):
        found = _moved({trial.arm: trial for trial in turn}, pairs, _name_of(result.claim))
        if found:
            by, name = found
            ways[by > 0].append((abs(by), name))
    yield Line("")
    for up, flips in ways.items():
        better = pairs.first if up else pairs.second
        names = [name for _, name in sorted(flips, key=lambda flip: -flip[0])]
        told = "1 where the other is 0" if pairs.binary else "higher"
        text = f"{inline(better, _NAME_WIDTH)} {told} in {count(len(names), 'pair')}"
        shown = "; ".join(names[:show])
        more = f"; {len(names) - show:,} more" if len(names) > show > 0 else ""
        yield from block("flipped", f"{text}{': ' if shown else ''}{shown}{more}", width)


def _name_of(claim: str) -> str:
    """Return the outcome a difference is about; empty for the only one."""
    parts = parts_of(claim)
    return (parts[0].statistic.name or "") if parts else ""


def _moved(turn: Mapping[str, TrialRecord], pairs: PairCounts, name: str) -> tuple[float, str] | None:
    """Return by how much the arms of a pair differ, first minus second, and its name; None if they do not."""
    first, second = turn.get(pairs.first), turn.get(pairs.second)
    if first is None or second is None or OutcomeKind.INVALID in (first.kind, second.kind):
        return None
    by = first.values[name] - second.values[name]
    place = inline(first.case_id, _ID_WIDTH) + (f" (draw {first.repeat + 1})" if first.repeat else "")
    return (by, place) if by else None


def _needs(result: HypothesisResult, width: int) -> Iterator[Line]:
    """Say how many samples would likely decide what these do not."""
    prospect = outlook(result)
    if prospect is None:
        return
    if prospect.n_units is None:
        yield from block("needs", "no number of samples is in sight that would decide it", width)
    else:
        things = "groups" if result.unit is UnitKind.GROUP else "samples"
        yield from block("needs", f"about {prospect.n_units:,} {things} in all, if these are typical", width)


def _total(judged: Judged) -> str:
    outcomes = [result.outcome for result in judged.results]
    counts = [
        f"{mark(outcome)} {outcomes.count(outcome)} {outcome}" for outcome in Outcome if outcome in outcomes
    ]
    return f"{' · '.join(counts)} · recorded as {judged.run_id}"
