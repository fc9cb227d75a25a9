"""Trials that people have labelled, as a page shows them: their word beside the judged outcome."""

from __future__ import annotations

from pytest_velo.labelling import label_text
from pytest_velo.records import HypothesisResult, OutcomeKind, TrialRecord
from pytest_velo.report.numbers import count
from pytest_velo.report.page.entries import LabelledShown, LabelledTrial, sight_of

_MOST = 20
"""Trials that are shown; the record has them all."""
_NOTHING = -1.0
_INVALID = -0.5


def labelled_of(result: HypothesisResult) -> LabelledShown | None:
    """Return the labelled trials of a hypothesis, those first in which people and the judge differ most.

    A label that cannot say, and a trial that was not judged, are neither alike nor different: they come last,
    and are counted apart.

    Args:
        result: With its trials.
    """
    if result.truth is None or not result.truth.labels:
        return None
    labels = result.truth.labels
    binary = all(label in (None, 0.0, 1.0) for label in labels.values()) and not any(
        trial.kind is OutcomeKind.VALUE for trial in result.trials
    )
    trials = [trial for trial in result.trials if trial.index in labels]
    apart = {trial.index: _apart(trial, labels[trial.index]) for trial in trials}
    ordered = sorted(trials, key=lambda trial: (-apart[trial.index], trial.index))
    known = [distance for distance in apart.values() if distance >= 0]
    n_differ = sum(distance > 0 for distance in known)
    counts = [f"{count(n_differ, 'trial')} judged otherwise", f"{len(known) - n_differ:,} as people say"]
    n_unsaid = sum(distance == _NOTHING for distance in apart.values())
    n_unjudged = sum(distance == _INVALID for distance in apart.values())
    counts += [f"{n_unsaid:,} of which people cannot say"] if n_unsaid else []
    counts += [f"{n_unjudged:,} not judged"] if n_unjudged else []
    return LabelledShown(
        counts=", ".join(counts),
        trials=tuple(
            LabelledTrial(
                label=_word(labels[trial.index], binary=binary),
                judged="invalid"
                if trial.kind is OutcomeKind.INVALID
                else _word(_judged(trial), binary=binary),
                differs=apart[trial.index] > 0,
                sight=sight_of(trial, result),
            )
            for trial in ordered[:_MOST]
        ),
        n_more=max(0, len(ordered) - _MOST),
    )


def _apart(trial: TrialRecord, label: float | None) -> float:
    """Return how far label and judged outcome are apart; below 0 if one of both is not known."""
    judged = _judged(trial)
    if label is None:
        return _NOTHING
    return _INVALID if judged is None else abs(label - judged)


def _judged(trial: TrialRecord) -> float | None:
    """Return the outcome that was judged; None for an invalid trial."""
    if trial.kind is OutcomeKind.INVALID or not trial.values:
        return None
    return next(iter(trial.values.values()))


def _word(value: float | None, *, binary: bool) -> str:
    if value is None:
        return "cannot say"
    return label_text(bool(value)) if binary else label_text(value)
