"""One hypothesis in two recorded runs, compared unit by unit, as its design counts them.

Nothing is guessed: if a record does not tell, the two are not compared, and the reason is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pytest_velo.baselines.older import NotComparable, with_units
from pytest_velo.baselines.paired import Comparison, Pair, changed, changed_somewhere
from pytest_velo.baselines.written import Better, Part, claim_of, parts_of
from pytest_velo.claims import EachCase, Ranking
from pytest_velo.records import HypothesisResult, Invalid, Outcome, OutcomeKind, TrialRecord, UnitKind
from pytest_velo.verdicts import Verdict

_MEANS = (UnitKind.CASE, UnitKind.GROUP)


class Flip(NamedTuple):
    """A trial whose outcome changed, in the statistic's units."""

    trial: TrialRecord
    before: float
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One statistic of a hypothesis, in one arm, in two runs.

    Attributes:
        part: The statistic, and which way is better.
        arm: The arm; empty without arms.
        comparison: Whether the second run (now) differs from the first (before).
        flips: The trials whose outcome differs, largest change first.
        unit: What was counted.
        n_left_out: Pairs with an invalid side, if the claim is about valid trials only.
        stands: The change is one by the level of all comparisons together, where they are a family.
    """

    part: Part
    arm: str
    comparison: Comparison
    flips: tuple[Flip, ...]
    unit: UnitKind = UnitKind.TRIAL
    n_left_out: int = 0
    stands: bool = True

    @property
    def moved(self) -> Better:
        """+1 if it rose, -1 if it fell, 0 if undecided."""
        if not self.stands:
            return 0
        match self.comparison.verdict:
            case Verdict.SUPPORTED:
                return 1
            case Verdict.REFUTED:
                return -1
            case _:
                return 0

    @property
    def worse(self) -> bool:
        """It moved against the claim."""
        return self.part.better != 0 and self.moved == -self.part.better


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedComparison:
    """One hypothesis in two runs.

    Attributes:
        node_id: The test's node id.
        claim: As written, in the second run.
        model_before, model_now: The model ids; None when the hypothesis calls none.
        parts: For each statistic and arm; empty if they are not compared.
        reason: Why they are not compared; empty if they are.
        changes: What else differs between the runs, so far as the records tell.
        outcomes: What each run said; None where only the numbers are compared.
    """

    node_id: str
    claim: str
    model_before: str | None
    model_now: str | None
    parts: tuple[Compared, ...] = ()
    reason: str = ""
    changes: tuple[str, ...] = ()
    outcomes: tuple[str, str] | None = None


def compare_recorded(
    before: HypothesisResult, now: HypothesisResult, *, alpha: float = 0.05
) -> RecordedComparison:
    """Compare a hypothesis in two runs, its trials paired on case, repeat, arm and place in the order.

    The evidence is what the design counts: a pair, or the mean of the pairs of a group or of a case drawn
    several times. For a list of recorded outcomes see `changed_somewhere`. Incomplete units are left out. A
    pair with an invalid side is bounded by what that side could have been; if the claim is about valid trials
    only, it is left out, and the change is one among the pairs that are valid in both.

    Args:
        before: Its result in the first run, with its trials.
        now: Its result in the second run, with its trials.
        alpha: P(a change is reported although there is none), at most, for each statistic and arm.

    Raises:
        UsageError: `alpha` is outside (0, 1).
    """
    parts: tuple[Compared, ...] = ()
    reason = ""
    try:
        parts = _compared(before, now, alpha)
    except NotComparable as problem:
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
        if isinstance(claim_of(now.claim), Ranking):
            raise NotComparable(
                "a ranking chose its trials by their outcomes, so they are no sample of an arm"
            )
        if isinstance(claim_of(now.claim), EachCase):
            raise NotComparable("a search chose its cases by their outcomes, and each run has its own")
        raise NotComparable(f"the record does not tell what `{now.claim}` is about")
    old, new = with_units(before), with_units(now)
    return tuple(_one(part, arm, old, new, alpha=alpha) for part in parts for arm in part.arms or ("",))


def _one(part: Part, arm: str, before: HypothesisResult, now: HypothesisResult, *, alpha: float) -> Compared:
    """Compare one statistic in one arm."""
    trials = _paired(_whole_units(before, arm), _whole_units(now, arm))
    pairs = [Pair(_outcome(mine, part), _outcome(its, part)) for its, mine in trials]
    excluding = Invalid.EXCLUDE in (before.invalid, now.invalid)  # the hash covers it, so both agree
    counted = [place for place, pair in enumerate(pairs) if not (excluding and None in pair)]
    if not counted:
        raise NotComparable("no trial is valid in both runs")
    chosen, ours = [pairs[place] for place in counted], [trials[place][1] for place in counted]
    unit = now.unit or UnitKind.TRIAL
    test = changed_somewhere if unit is UnitKind.OUTCOME else changed
    return Compared(
        part=part,
        arm=arm,
        unit=unit,
        comparison=test(
            part.statistic,
            chosen,
            max_units=min(before.max_trials, now.max_trials),
            alpha=alpha,
            units=[trial.unit or 0 for trial in ours] if unit in _MEANS else None,
        ),
        flips=_flips(ours, chosen),
        n_left_out=len(pairs) - len(counted),
    )


def _check_same(before: HypothesisResult, now: HypothesisResult) -> None:
    """Refuse runs with different claims; the hash covers the claim, its design and its cases."""
    for run, result in (("first", before), ("second", now)):
        if result.outcome in (Outcome.ERROR, Outcome.SKIPPED) or result.decision is None:
            raise NotComparable(f"in the {run} run it ended as {result.outcome}")
        if result.truth is not None:
            raise NotComparable(
                "the claim is about labels of a few trials, and what was judged of all is not the truth"
            )
        if result.decision.evidence.n == 0:
            raise NotComparable(f"in the {run} run no trial counted")
        if not result.trials:
            raise NotComparable(f"the record of the {run} run has no trials of it")
    if before.claim != now.claim:
        raise NotComparable(f"the claim was `{before.claim}` and is now `{now.claim}`")
    if before.claim_hash != now.claim_hash:
        seeds = "" if before.seed == now.seed else f"; the seeds are {before.seed} and {now.seed}"
        raise NotComparable(
            "the cases or the design (alpha, beta, margin, min_trials, invalid, over) are not the same"
            f" in both{seeds}"
        )


def _whole_units(result: HypothesisResult, arm: str) -> list[TrialRecord]:
    """Return the trials of an arm in order, without those of a last unit that is incomplete in any arm."""
    trials = sorted(result.trials, key=lambda trial: trial.index)
    last = trials[-1]
    whole = sum(trial.unit == last.unit for trial in trials) == last.unit_size
    return [trial for trial in trials if trial.arm == arm and (whole or trial.unit != last.unit)]


def _paired(
    before: Sequence[TrialRecord], now: Sequence[TrialRecord]
) -> list[tuple[TrialRecord, TrialRecord]]:
    """Pair trials up to the end of the shorter run."""
    pairs = list(zip(before, now, strict=False))
    for old, new in pairs:
        if (old.case_id, old.repeat) != (new.case_id, new.repeat):
            raise NotComparable(
                f"trial {new.index} is of case {old.case_id} in the first run and of case {new.case_id}"
                " in the second: runs with different seeds have different orders"
            )
        if (old.unit, old.unit_size) != (new.unit, new.unit_size):
            raise NotComparable("draws_per_case changed")
    return pairs


def _outcome(trial: TrialRecord, part: Part) -> float | None:
    """Return a trial's outcome in the statistic's units; None for an invalid one."""
    if trial.kind is OutcomeKind.INVALID:
        return None
    name, scale = part.statistic.name or "", part.statistic.scale
    value = trial.values.get(name)
    if value is None or not scale.low <= value <= scale.high:
        raise NotComparable(f"trial {trial.index} has no outcome of {part.statistic} in its record")
    return value


def _flips(trials: Sequence[TrialRecord], pairs: Sequence[Pair]) -> tuple[Flip, ...]:
    flips = [
        Flip(trial, pair.before, pair.now)
        for trial, pair in zip(trials, pairs, strict=True)
        if pair.now is not None and pair.before is not None and pair.now != pair.before
    ]
    return tuple(sorted(flips, key=lambda flip: -abs(flip.now - flip.before)))
