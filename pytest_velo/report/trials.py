"""Trials in full: the messages, how the reply ended, and what the body made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, TrialRecord, TruthSeen
from pytest_velo.report.chosen import kind_title, turns_of
from pytest_velo.report.conversation import FACTS, REASONING, conversation
from pytest_velo.report.document import invalid_trials, shown_trials, telling_turns
from pytest_velo.report.lines import Line, Style, block, paragraph
from pytest_velo.report.phrases import n_trials
from pytest_velo.report.text import display, inline
from pytest_velo.settings import ShowKind
from pytest_velo.verdicts import PairCounts

# Characters of one message that are shown, by verbosity; from 2 on, all.
_LIMITS = {0: 2_000, 1: 20_000}


def trials_lines(
    result: HypothesisResult, show: int, verbosity: int, width: int, kind: ShowKind | None = None
) -> Iterator[Line]:
    """Show up to `show` trials (or whole pairs) against the claim, and invalid ones, with all messages.

    Of an error, show the trial that ended it.

    Args:
        result: With the trials that `document.shown_trials` chooses from.
        show: Number of trials of each kind, >= 0.
        verbosity: 0 cuts messages at 2,000 characters, 1 at 20,000, 2 shows them whole.
        width: Columns of the terminal, at least 40.
        kind: Show the result's own trials, which were chosen to be of this kind.
    """
    if result.outcome is Outcome.ERROR:
        for trial in shown_trials(result, show):
            yield from _titled("the trial that ended it", width)
            told = "as above" if trial.detail and trial.detail == result.problem else trial.detail
            yield from trial_lines(replace(trial, detail=told), verbosity, width, has_outcome=False)
        return
    if kind is not None:
        yield from _chosen_lines(result, kind, verbosity, width)
        return
    turns = telling_turns(result)[:show]
    pairs = None if result.decision is None else result.decision.evidence.pairs
    if turns:
        n_kept = len(result.telling) // len(turns[0])  # the others' trials are in the record only
        if pairs is not None:
            title = f"pairs, those that differ first{_of(len(turns), n_kept, pairs.n)}"
        else:
            total = len(turns) if result.decision is None else result.decision.evidence.n_against
            title = f"trials against the claim{_of(len(turns), n_kept, total)}"
        yield from _titled(title, width)
    for turn in turns:
        yield from turn_lines(result, turn, verbosity, width)
    if invalid := invalid_trials(result, show):
        total = len(invalid) if result.decision is None else result.decision.evidence.n_invalid
        yield from _titled(f"invalid trials{_of(len(invalid), total, total)}", width)
    for trial in invalid:
        yield from trial_lines(trial, verbosity, width, has_outcome=True, truth=result.truth)


def _chosen_lines(result: HypothesisResult, kind: ShowKind, verbosity: int, width: int) -> Iterator[Line]:
    turns = turns_of(result)
    total = _total(result, kind)
    if not turns:
        known = "" if total in (None, 0) else f" of {total:,}"
        yield from _titled(f"{kind_title(kind, result.seed)}: none{known}", width)
        return
    n = f"{len(turns):,}" if total is None or total < len(turns) else f"{len(turns):,} of {total:,}"
    yield from _titled(f"{kind_title(kind, result.seed)}: {n} (velo show has all)", width)
    for turn in turns:
        yield from turn_lines(result, turn, verbosity, width)


def turn_lines(
    result: HypothesisResult, turn: Sequence[TrialRecord], verbosity: int, width: int
) -> Iterator[Line]:
    """Show one trial, or the arms of one pair below what came out of each."""
    pairs = None if result.decision is None else result.decision.evidence.pairs
    if len(turn) > 1:
        outcomes = ", ".join(f"{inline(trial.arm, 40)} {_value(trial)}" for trial in arms_first(turn, pairs))
        place = f"case {inline(turn[0].case_id, 40)}" if turn[0].case_id else "pair"
        yield Line("")
        for piece in display(inline(f"  {place} · repeat {turn[0].repeat} · {outcomes}"), width):
            yield Line(piece, Style.BOLD)
    for trial in arms_first(turn, pairs):
        yield from trial_lines(trial, verbosity, width, has_outcome=True, truth=result.truth)


def _total(result: HypothesisResult, kind: ShowKind) -> int | None:
    """Return how many trials or pairs of a kind there are; None where the evidence does not count them."""
    if result.decision is None:
        return None
    evidence = result.decision.evidence
    match kind:
        case ShowKind.AGAINST:
            return evidence.n_against
        case ShowKind.FOR:
            return evidence.n_for if evidence.pairs is None else None  # pairs that are alike are for neither
        case ShowKind.INVALID:
            return evidence.n_invalid
        case ShowKind.RANDOM:
            return n_trials(evidence)
        case ShowKind.CHANGED:
            return None
    assert_never(kind)


def _titled(title: str, width: int) -> Iterator[Line]:
    yield Line("")
    yield from paragraph(title, Style.BOLD, width)


def _of(n_shown: int, n_kept: int, total: int) -> str:
    """Say how many of all are shown, and which option shows more; at most `n_kept` can be."""
    if n_shown >= total:
        return ""
    kept = max(min(n_kept, total), n_shown)
    more = f"; --velo-show={kept} shows {'all' if kept >= total else kept}" if kept > n_shown else ""
    return f" (first {n_shown} of {total:,}{more})"


def arms_first(turn: Sequence[TrialRecord], pairs: PairCounts | None) -> list[TrialRecord]:
    """Return a turn's trials in the order of the difference, further arms after them."""
    order = () if pairs is None else (pairs.first, pairs.second)
    return sorted(turn, key=lambda trial: order.index(trial.arm) if trial.arm in order else len(order))


def trial_lines(
    trial: TrialRecord,
    verbosity: int,
    width: int,
    *,
    has_outcome: bool,
    truth: TruthSeen | None = None,
) -> Iterator[Line]:
    """Show one trial: its place, the calls with their messages, the notes, the outcome.

    All of its texts are untrusted. `has_outcome` is False for a trial that ended its hypothesis as an error.
    `truth` is that of a claim about labels.
    """
    head = [f"trial {trial.index}"]
    if trial.case_id:
        head.append(f"case {inline(trial.case_id, 40)}")
    if trial.arm:
        head.append(f"arm {inline(trial.arm, 40)}")
    head += [f"repeat {trial.repeat}", f"seed {trial.seed}"]
    yield Line("")
    yield Line(inline("  " + " · ".join(head), width))
    limit = _LIMITS.get(verbosity)
    for said in conversation(trial):
        style = Style.DIM if said.role in (FACTS, REASONING) else Style.PLAIN
        yield from block(said.role, said.text, width, style, limit=limit, indent=4)
    for note in trial.notes:
        yield from block("note", note, width, limit=limit, indent=4)
    if has_outcome:
        yield from _outcome_lines(trial, truth, width, limit)
    elif trial.detail:  # an error has no outcome, and the trial was not invalid
        yield from block("error", trial.detail, width, Style.BOLD, limit=limit, indent=4)


def _value(trial: TrialRecord) -> str:
    """Return a trial's outcome in words."""
    match trial.kind:
        case OutcomeKind.ONE:
            return "1"
        case OutcomeKind.ZERO:
            return "0"
        case OutcomeKind.VALUE:
            return ", ".join(f"{number:g}" for number in trial.values.values())
        case OutcomeKind.INVALID:
            return "invalid"
    assert_never(trial.kind)


def outcome_text(trial: TrialRecord, truth: TruthSeen | None = None) -> str:
    """Return a trial's outcome, by name if there are names, and why; where labels count, those come first."""
    value = _value(trial)
    if set(trial.values) - {""}:
        named = ", ".join(f"{name}={number:g}" for name, number in trial.values.items())
        value = named if trial.kind is OutcomeKind.VALUE else f"{value} ({named})"
    text = f"{value}: {trial.detail}" if trial.detail else value
    return text if truth is None else f"{_label_text(trial, truth)}, judged {text}"


def _label_text(trial: TrialRecord, truth: TruthSeen) -> str:
    if trial.index not in truth.labels:
        return "no label"
    label = truth.labels[trial.index]
    return "label skipped" if label is None else f"label {label:g}"


def _outcome_lines(
    trial: TrialRecord, truth: TruthSeen | None, width: int, limit: int | None
) -> Iterator[Line]:
    yield from block("outcome", outcome_text(trial, truth), width, Style.BOLD, limit=limit, indent=4)
    if trial.location:
        yield from block("at", trial.location, width, indent=4)
