"""One hypothesis in two recorded runs, compared trial by trial.

What a record does not tell is not guessed: then the two are not compared, and the reason is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from pytest_velo.baselines.paired import Comparison, Pair, changed
from pytest_velo.baselines.written import Better, Part, parts_of
from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, TrialRecord
from pytest_velo.verdicts import StopReason, Verdict

_NO_CASES = "this body as it stands"
_ONE_CASE = "over this one case"
_ANY_CASE = re.compile(r"over these \d+ cases")
_NEW_CASES = "beyond these cases"
_GROUPS = "beyond these cases (unit: group)"
_PAIRED = ", paired on the case"

_AT_A_UNITS_END = (
    StopReason.DECIDED,
    StopReason.MAX_TRIALS,
    StopReason.CASES_EXHAUSTED,
    StopReason.FUTILITY,
)


class Flip(NamedTuple):
    """A trial that came out otherwise, in the statistic's units."""

    trial: TrialRecord
    before: float
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One statistic of a hypothesis, in one arm, in two runs.

    Attributes:
        part: The statistic, and which way is better.
        arm: The arm; empty without arms.
        comparison: Of the second run (now) with the first (before): did it change?
        flips: The trials whose outcome differs, those that moved most first.
    """

    part: Part
    arm: str
    comparison: Comparison
    flips: tuple[Flip, ...]

    @property
    def moved(self) -> Better:
        """+1 when it rose, -1 when it fell, 0 when that is undecided."""
        match self.comparison.verdict:
            case Verdict.SUPPORTED:
                return 1
            case Verdict.REFUTED:
                return -1
            case _:
                return 0

    @property
    def worse(self) -> bool:
        """It moved, and not the way the claim wants it."""
        return self.part.better != 0 and self.moved == -self.part.better


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedComparison:
    """One hypothesis in two runs.

    Attributes:
        node_id: The test's node id.
        claim: As written, in the second run.
        model_before, model_now: The model ids; None when the hypothesis calls none.
        parts: For each statistic and arm; empty when they are not compared.
        reason: Why they are not compared; empty when they are.
    """

    node_id: str
    claim: str
    model_before: str | None
    model_now: str | None
    parts: tuple[Compared, ...] = ()
    reason: str = ""


class _NotComparable(Exception):
    """The reason, for people."""


def compare_recorded(
    before: HypothesisResult, now: HypothesisResult, *, alpha: float = 0.05
) -> RecordedComparison:
    """Compare a hypothesis in two runs, its trials paired on case, repeat, arm and place in the order.

    Args:
        before: Its result in the first run, with its trials.
        now: Its result in the second run, with its trials.
        alpha: P(a change is reported although there is none), at most, for each statistic and arm.

    Raises:
        UsageError: `alpha` is outside (0, 1).

    Examples:
        >>> from pytest_velo.report.examples import refuted, trial
        >>> before, now = (refuted(trials=tuple(trial(n, one) for n in range(12))) for one in (1, 0))
        >>> [part] = compare_recorded(before, now).parts
        >>> part.comparison.certified, part.worse, len(part.flips)
        ('rate < baseline', True, 12)
        >>> compare_recorded(before, refuted(claim="rate >= 0.8")).reason
        'the claim was `rate >= 0.7` and is now `rate >= 0.8`'
    """
    parts: tuple[Compared, ...] = ()
    reason = ""
    try:
        parts = _compared(before, now, alpha)
    except _NotComparable as problem:
        reason = str(problem)
    return RecordedComparison(
        node_id=now.node_id,
        claim=now.claim,
        model_before=before.model,
        model_now=now.model,
        parts=parts,
        reason=reason,
    )


def _compared(before: HypothesisResult, now: HypothesisResult, alpha: float) -> tuple[Compared, ...]:
    _check_same(before, now)
    parts = parts_of(now.claim)
    if parts is None:
        raise _NotComparable(f"what `{now.claim}` is about cannot be told from the record")
    max_units = min(before.max_trials, now.max_trials)
    found = []
    for part in parts:
        for arm in part.arms or ("",):
            old, new = (_of_arm(result, arm) for result in (before, now))
            size = _unit_size(before, old)
            if size != _unit_size(now, new):
                raise _NotComparable("draws_per_case changed")
            trials = _paired(old, new, size)
            pairs = [Pair(_outcome(mine, part), _outcome(its, part)) for its, mine in trials]
            units = None if size == 1 else [place // size for place in range(len(pairs))]
            found.append(
                Compared(
                    part=part,
                    arm=arm,
                    comparison=changed(part.statistic, pairs, max_units=max_units, alpha=alpha, units=units),
                    flips=_flips([mine for _, mine in trials], pairs),
                )
            )
    return tuple(found)


def _check_same(before: HypothesisResult, now: HypothesisResult) -> None:
    """Refuse runs of which not the same was claimed: the hash covers the claim, its design and its cases."""
    for run, result in (("first", before), ("second", now)):
        if result.outcome in (Outcome.ERROR, Outcome.SKIPPED) or result.decision is None:
            raise _NotComparable(f"in the {run} run it ended as {result.outcome}")
        if result.decision.evidence.n == 0:
            raise _NotComparable(f"in the {run} run no trial counted")
    if before.claim != now.claim:
        raise _NotComparable(f"the claim was `{before.claim}` and is now `{now.claim}`")
    if before.claim_hash != now.claim_hash:
        seeds = "" if before.seed == now.seed else f"; the seeds are {before.seed} and {now.seed}"
        raise _NotComparable(
            "the cases or the design (alpha, beta, margin, min_trials, invalid, over) are not the same"
            f" in both{seeds}"
        )


def _of_arm(result: HypothesisResult, arm: str) -> list[TrialRecord]:
    return sorted((trial for trial in result.trials if trial.arm == arm), key=lambda trial: trial.index)


def _unit_size(result: HypothesisResult, trials: Sequence[TrialRecord]) -> int:
    """Return how many trials of one arm make a unit, which the record tells only in part.

    Trials of one case are as independent as any where there is but one case; elsewhere a case's mean is the
    evidence.
    """
    scope = result.scope.removesuffix(_PAIRED)
    if scope in (_NO_CASES, _ONE_CASE):
        return 1
    if scope == _GROUPS:
        raise _NotComparable("its unit is the group, and the record does not tell the groups apart")
    runs = [len([*same]) for _, same in groupby(trial.case_id for trial in trials)]
    if scope == _NEW_CASES:
        return runs[0] if runs else 1  # every case comes once, with all its draws
    if _ANY_CASE.fullmatch(scope) is None:
        raise _NotComparable(f"its claim is about {scope}, for which there is no comparison of runs")
    return _draws_per_case(result, len(trials), runs)


def _draws_per_case(result: HypothesisResult, n: int, runs: Sequence[int]) -> int:
    """Return the draws of each case where cases come again and may follow themselves."""
    assert result.decision is not None  # seen to before
    evidence = result.decision.evidence
    if evidence.n == n or 1 in runs[:-1]:
        return 1
    excluded = evidence.n_invalid and "among valid replies" in result.decision.certified
    if excluded or result.decision.stop not in _AT_A_UNITS_END:
        raise _NotComparable("the record does not tell which trials make a unit")
    return n // evidence.n


def _paired(
    before: Sequence[TrialRecord], now: Sequence[TrialRecord], size: int
) -> list[tuple[TrialRecord, TrialRecord]]:
    """Pair trials up to the end of the shorter run, in whole units."""
    pairs = list(zip(before, now, strict=False))
    for old, new in pairs:
        if (old.case_id, old.repeat) != (new.case_id, new.repeat):
            raise _NotComparable(
                f"trial {new.index} is of case {old.case_id} in the first run and of case {new.case_id}"
                " in the second: runs with other seeds have other orders"
            )
    return pairs[: len(pairs) // size * size]


def _outcome(trial: TrialRecord, part: Part) -> float | None:
    """Return a trial's outcome in the statistic's units; None for an invalid one."""
    if trial.kind is OutcomeKind.INVALID:
        return None
    name, scale = part.statistic.name or "", part.statistic.scale
    value = trial.values.get(name)
    if value is None or not scale.low <= value <= scale.high:
        raise _NotComparable(f"trial {trial.index} has no outcome of {part.statistic} in its record")
    return value


def _flips(trials: Sequence[TrialRecord], pairs: Sequence[Pair]) -> tuple[Flip, ...]:
    flips = [
        Flip(trial, pair.before, pair.now)
        for trial, pair in zip(trials, pairs, strict=True)
        if pair.now is not None and pair.before is not None and pair.now != pair.before
    ]
    return tuple(sorted(flips, key=lambda flip: -abs(flip.now - flip.before)))
