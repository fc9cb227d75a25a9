"""Which of a log's scores a claim is about, and what one sample's outcome is by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_velo.claims import AnyClaim, Statistic
from pytest_velo.errors import UsageError, nearest
from pytest_velo.logs.log import Log, Sample


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one sample came to: values by the outcome's name in the claim, or why there are none."""

    values: Mapping[str, float]
    invalid: str = ""


def names_of(log: Log) -> tuple[str, ...]:
    """Return the names of a log's scores, in the order of the log."""
    found = (name for sample in log.samples for name in (*sample.scores, *sample.faults))
    return tuple(dict.fromkeys(found))


def score_of(log: Log, wanted: str | None, *, graded: bool = False) -> str:
    """Return the score that is meant.

    Args:
        log: The log.
        wanted: Its name; None for the log's only or usual one.
        graded: The claim is about how well samples did, rather than about how many passed.

    Raises:
        UsageError: There is none of this name, or it is not clear which one is meant.
    """
    names = names_of(log)
    where = str(log.path)
    if not names:
        raise UsageError("no sample of the log has a score", where=where, fix=_why_unscored(log))
    if wanted is not None:
        if wanted not in names:
            raise UsageError(f"the log has no score {wanted!r}", where=where, fix=nearest(wanted, names))
        return wanted
    usual = log.graded or log.passed if graded else log.passed
    if len(names) == 1 or not usual:
        if len(names) > 1:
            told = ", ".join(names)
            raise UsageError(
                f"the log has {len(names)} scores, and the claim names none: {told}",
                where=where,
                fix=f'--score={names[0]}, or name it in the claim: rate("{names[0]}") >= 0.6',
            )
        return names[0]
    return usual


def _why_unscored(log: Log) -> str:
    reasons = [sample.invalid for sample in log.samples if sample.invalid]
    return f"its first reason: {reasons[0]}" if reasons else "score it first, e.g. with `inspect score`"


def is_binary(log: Log, score: str) -> bool:
    """Tell whether every value of a score is 0 or 1."""
    return all(sample.scores[score] in (0.0, 1.0) for sample in log.samples if score in sample.scores)


def outcome_of(sample: Sample, scores: Mapping[str, str]) -> Outcome:
    """Return a sample's outcome; `scores` names, for each of the claim's outcomes, the log's score."""
    if sample.invalid:
        return Outcome({}, sample.invalid)
    values: dict[str, float] = {}
    for name, score in scores.items():
        if score not in sample.scores:
            return Outcome({}, sample.faults.get(score, f"the sample has no score {score!r}"))
        values[name] = sample.scores[score]
    return Outcome(values)


def scores_for(claim: AnyClaim, log: Log, score: str | None) -> dict[str, str]:
    """Return, for each outcome that a claim names (empty: the only one), the score of a log.

    Raises:
        UsageError: As in `score_of`; or a value is outside what the claim is about.
    """
    chosen: dict[str, str] = {}
    for statistic in claim.statistics:
        name = statistic.name
        found = score_of(log, score if name is None else name, graded=not statistic.binary)
        _check_values(log, found, statistic)
        chosen[name or ""] = found
    return chosen


def _check_values(log: Log, score: str, statistic: Statistic) -> None:
    low, high = statistic.outcomes
    for sample in log.samples:
        value = sample.scores.get(score)
        if value is None or sample.invalid:
            continue
        if statistic.binary and value not in (0.0, 1.0):
            named = "" if statistic.name is None else f', "{score}"'
            low, high = min(0.0, value), max(1.0, value)
            raise UsageError(
                f"the score {score!r} is {value:g}, and a rate is about 0 and 1",
                where=sample.where,
                fix=f"claim its mean, with the range of the scores: mean({low:g}, {high:g}{named})",
            )
        if not low <= value <= high:
            raise UsageError(
                f"the score {score!r} is {value:g}, outside {low:g} to {high:g} of `{statistic}`",
                where=sample.where,
                fix="give the range that scores can have, e.g. mean(0, 10)",
            )
