"""What a rescoring changed: its source, the verdicts then and now, the trials that flipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, TrialRecord
from pytest_velo.report.comparison import name_of
from pytest_velo.report.lines import Line, Style, block, fit_lines, paragraph
from pytest_velo.report.load import Run, load
from pytest_velo.report.numbers import count, interval, percent
from pytest_velo.report.phrases import observed, stop_reason, used_text
from pytest_velo.report.stubs import outcome_word
from pytest_velo.report.text import inline
from pytest_velo.report.trials import outcome_text, trial_lines
from pytest_velo.runner.flips import Flip, Flips, Moves, flips_between
from pytest_velo.verdicts import StopReason

_FACT = "rescored from "
_BROKEN_OFF = (StopReason.INTERRUPTED, StopReason.BUDGET, StopReason.NOT_COMPARABLE)
_STYLES = {
    Outcome.SUPPORTED: Style.GOOD,
    Outcome.REFUTED: Style.BAD,
    Outcome.MEASURED: Style.GOOD,
    Outcome.INCONCLUSIVE: Style.WARN,
    Outcome.ERROR: Style.BAD,
    Outcome.SKIPPED: Style.DIM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is rescored: one hypothesis as a run recorded it.

    Attributes:
        run_id: The run.
        result: Its recorded result, without trials.
        trials: Its recorded trials that have an outcome, in order.
    """

    run_id: str
    result: HypothesisResult
    trials: tuple[TrialRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescored:
    """One hypothesis, scored twice.

    Attributes:
        source: As it was recorded.
        result: As it is now.
        flips: Which outcomes changed.
    """

    source: Source
    result: HypothesisResult
    flips: Flips


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescoring:
    """A run that rescored another one.

    Attributes:
        before: The id of the run that was rescored.
        now: The id of the new record.
        hypotheses: In the order they ran.
        left: Node ids in the record that were not run this time.
    """

    before: str
    now: str
    hypotheses: tuple[Rescored, ...]
    left: tuple[str, ...]


def rescored_fact(run_id: str) -> str:
    """Return the fact that marks a result as a rescoring."""
    return f"{_FACT}{run_id}"


def source_of(run: Run, node_id: str) -> Source | None:
    """Return what a run recorded about a test; None if it recorded nothing.

    A rescoring that was interrupted has few trials or none. Then the record it started from is returned, so
    that a mistake in a scorer does not lose the trials that are needed to correct it.

    Raises:
        StoreError: A record is damaged.
        UsageError: The record that an interrupted rescoring started from is gone.
    """
    recorded = run.by_node_id.get(node_id)
    if recorded is None:
        return None
    result = recorded.without_trials
    origin = _origin(result)
    if origin is not None and _broke_off(result):
        return source_of(load(origin, run.folder.parent.parent), node_id)
    return Source(run_id=run.folder.name, result=result, trials=_scored(run, result))


def _origin(result: HypothesisResult) -> str | None:
    return next((fact.removeprefix(_FACT) for fact in result.facts if fact.startswith(_FACT)), None)


def _broke_off(result: HypothesisResult) -> bool:
    return result.outcome is Outcome.ERROR or result.decision is None or result.decision.stop in _BROKEN_OFF


def _scored(run: Run, result: HypothesisResult) -> tuple[TrialRecord, ...]:
    """Return the recorded trials except one that ended the run as an error, which has no outcome."""
    trials = run.trials_of(result.node_id)
    if result.outcome is Outcome.ERROR and trials:
        last = trials[-1]
        if last.kind is OutcomeKind.INVALID and last.detail in result.problem:
            return trials[:-1]
    return trials


def rescoring_of(before: Run, now: Run, *, all_of_it: bool) -> Rescoring:
    """Compare a rescoring with its source.

    Args:
        before: The run that was rescored.
        now: The record of the rescoring.
        all_of_it: Every test of `before` was to be rescored, so missing ones are named.

    Raises:
        StoreError: A record is damaged.
        UsageError: A record that `before` itself started from is gone (see `source_of`).
    """
    ran = {result.node_id: result for result in now.document.results}
    hypotheses = []
    for node_id, result in ran.items():
        source = source_of(before, node_id)
        if source is not None:
            flips = flips_between(source.trials, _scored(now, result))
            hypotheses.append(Rescored(source=source, result=result, flips=flips))
    missing = [result.node_id for result in before.document.results if result.node_id not in ran]
    return Rescoring(
        before=before.folder.name,
        now=now.folder.name,
        hypotheses=tuple(hypotheses),
        left=tuple(missing) if all_of_it else (),
    )


def rescored_lines(
    rescoring: Rescoring, show: int, verbosity: int = 0, *, width: int = 80, encoding: str | None = "utf-8"
) -> list[Line]:
    """Return what a rescoring changed, for each hypothesis and in total.

    Args:
        rescoring: What to show.
        show: Number of changed trials to show for each hypothesis, >= 0.
        verbosity: 0 cuts long messages, 1 cuts them later, 2 shows them whole.
        width: Columns of the terminal, at least 40.
        encoding: Encoding of the stream; symbols that it lacks are replaced by ASCII.
    """
    lines = [Line(inline(f"rescored    {rescoring.before}", width), Style.BOLD)]
    lines.append(Line(inline(f"recorded as {rescoring.now}", width)))
    for hypothesis in rescoring.hypotheses:
        lines += _hypothesis(hypothesis, show, verbosity, width)
    if rescoring.left:
        lines += [Line(""), Line("recorded, and not run this time", Style.WARN)]
        lines += [Line(f"  {inline(name, width - 2)}", Style.WARN) for name in rescoring.left]
    lines += [Line(""), *paragraph(_total(rescoring), Style.BOLD, width)]
    return fit_lines(lines, encoding)


def _hypothesis(rescored: Rescored, show: int, verbosity: int, width: int) -> Iterator[Line]:
    source, result, flips = rescored.source, rescored.result, rescored.flips
    yield Line("")
    yield Line(inline(name_of(result.node_id, source.result.model, result.model), width), Style.BOLD)
    yield from block("before", _standing(source.result), width)
    yield from block("now", _standing(result), width, _STYLES[result.outcome])
    yield from block("outcomes", "; ".join(_changes(flips)), width)
    for notice in result.notices:
        if notice.startswith("exploratory"):
            yield from block("notice", notice, width, Style.WARN)
    yield from _flipped(flips, show, verbosity, width)


def _standing(result: HypothesisResult) -> str:
    """Return a result on one line: the outcome, what is certified, the numbers."""
    decision = result.decision
    if decision is None or result.outcome is Outcome.ERROR or result.problem:
        return f"{outcome_word(result)}: {result.problem or 'no trial was completed'}"
    open_ = result.outcome is Outcome.INCONCLUSIVE
    certified = stop_reason(decision.stop, decision.verdict) if open_ else decision.certified
    ends = decision.evidence.interval
    level = "" if ends is None else f", {percent(ends.level)} interval {interval(ends)}"
    numbers = f"observed {observed(result)}{level}, {used_text(result)}"
    return f"{outcome_word(result)}: {certified}; {numbers}"


def _changes(flips: Flips) -> Iterator[str]:
    """Say how many outcomes changed, and how."""
    if flips.n == 0:
        yield "no recorded trial was scored"
        return
    trials = f"the {flips.n:,} trials that were scored" if flips.n_alone else count(flips.n, "trial")
    changed = f"{len(flips.flips):,}" if flips.flips else "none"
    yield f"{changed} of {trials} changed"
    for moves in flips.moves:
        if moves.n_up or moves.n_down:
            yield _moves(moves)
    if flips.n_invalid:
        yield f"{flips.n_invalid:,} became invalid"
    if flips.n_valid:
        yield f"{flips.n_valid:,} became valid"


def _moves(moves: Moves) -> str:
    """Say in which direction an outcome moved."""
    name = f"{inline(moves.name, 40)}: " if moves.name else ""
    if moves.binary:
        return f"{name}{moves.n_down:,} from 1 to 0, {moves.n_up:,} from 0 to 1"
    return f"{name}{moves.n_down:,} down, {moves.n_up:,} up, {moves.mean:+.3g} on average over all"


def _flipped(flips: Flips, show: int, verbosity: int, width: int) -> Iterator[Line]:
    shown: Sequence[Flip] = flips.flips[:show]
    if not shown:
        return
    total = len(flips.flips)
    title = "trials whose outcome changed, the largest changes first"
    if len(shown) < total:
        title += f" (first {len(shown)} of {total:,}; --velo-show={total} shows all)"
    yield Line("")
    yield from paragraph(title, Style.BOLD, width)
    for flip in shown:
        yield from trial_lines(flip.now, verbosity, width, has_outcome=True)
        yield from block("before", outcome_text(flip.before), width, indent=4)


def _total(rescoring: Rescoring) -> str:
    hypotheses = rescoring.hypotheses
    n = sum(hypothesis.flips.n for hypothesis in hypotheses)
    changed = sum(len(hypothesis.flips.flips) for hypothesis in hypotheses)
    verdicts = sum(
        hypothesis.result.outcome is not hypothesis.source.result.outcome for hypothesis in hypotheses
    )
    calls = sum(hypothesis.result.n_calls - hypothesis.result.n_cached for hypothesis in hypotheses)
    return (
        f"{count(len(hypotheses), 'hypothesis', 'hypotheses')} rescored on {count(n, 'recorded trial')}:"
        f" {count(changed, 'outcome')} and {count(verdicts, 'verdict')} changed, {count(calls, 'model call')}"
    )
