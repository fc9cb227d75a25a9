"""The verdict and why sampling stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What the evidence says about a claim, at its error rates; for an estimate, that it is measured."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    MEASURED = "measured"


class StopReason(StrEnum):
    """Why a hypothesis stopped sampling."""

    DECIDED = "decided"
    MAX_TRIALS = "max_trials"
    CASES_EXHAUSTED = "cases_exhausted"
    FUTILITY = "futility"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    NOT_COMPARABLE = "not_comparable"
    RECORD_ENDS = "record_ends"
    BASELINE_ENDS = "baseline_ends"
    ALL_INVALID = "all_invalid"
    UNLABELLED = "unlabelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A two-sided interval for a quantity in [0, 1]; `low <= high`, `level` in (0, 1)."""

    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCounts:
    """How the valid pairs of a difference came out.

    Attributes:
        first, second: The arms; for a baseline, now and then.
        n_first, n_second: Pairs in which that arm's outcome is the larger one.
        n_equal: Pairs whose outcomes are alike: they speak for neither arm.
        binary: The outcomes are 0 or 1, rather than scores.
    """

    first: str
    second: str
    n_first: int
    n_second: int
    n_equal: int
    binary: bool

    @property
    def n(self) -> int:
        """All valid pairs."""
        return self.n_first + self.n_second + self.n_equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a prefix of trials says about one claim.

    Attributes:
        n: Units fed (trials, or complete cases/groups), invalid ones included under `bound`.
        n_for, n_against: Valid trials (pairs of them, for a difference) on the claim's side of its threshold
            and on the other. A pair whose arms are alike is never counted against a claim.
        n_invalid: Invalid trials or pairs.
        n_ones: Valid trials that came out 1; None where outcomes are scores or differences.
        estimate: Observed mean among valid units, in the statistic's own units; None without any.
        arms: Mean valid outcome of each arm, in the outcomes' units; empty without arms.
        log_e_support, log_e_refute: Natural logs of the two e-processes at the last unit; None for an
            estimate, which claims nothing.
        p_support, p_refute: Anytime-valid p-values in [0, 1] of the rule that decided; None for an estimate.
        interval: Anytime-valid interval by inverting the rule that decided, at level 1 - alpha - beta
            (each end is one-sided, at the level of the test that moves it); for an estimate at 1 - alpha.
            None before any unit, and for joint claims, whose parts have their own.
        wilson, clopper_pearson: Fixed-n intervals, descriptive only; None where they do not apply.
        rule: `calibrated` or `ville`.
        share_of_gap: The gain as a share of the gap to `ceiling=`; None if there is no gap.
        pairs: How the pairs of a difference came out; None for anything else, and in older records.
        interval_of: For an estimate, which interval is reported and why, in words; None for claims,
            before any unit, and in older records.
    """

    n: int
    n_for: int
    n_against: int
    n_invalid: int = 0
    n_ones: int | None = None
    estimate: float | None = None
    log_e_support: float | None = None
    log_e_refute: float | None = None
    p_support: float | None = None
    p_refute: float | None = None
    interval: Interval | None = None
    wilson: Interval | None = None
    clopper_pearson: Interval | None = None
    rule: str
    arms: Mapping[str, float] = field(default_factory=dict)
    share_of_gap: float | None = None
    pairs: PairCounts | None = None
    interval_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartVerdict:
    """The verdict on one part of a joint claim.

    Attributes:
        claim: The part as written.
        verdict: By its own tests: supported at alpha, refuted at its share of beta.
        certified: The inequality its verdict certifies.
        estimate: Observed mean among valid units, in the statistic's own units; None without any.
        interval: Anytime-valid, at 1 - alpha - its share of beta; None before any unit.
    """

    claim: str
    verdict: Verdict
    certified: str
    estimate: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedArm:
    """Where one arm of a ranking stands.

    Attributes:
        name: The arm, or the model's id.
        low, high: The first and the last rank it may have, from 1; those of all arms hold together.
        may_win: It may be the best, or among the first `top`.
        n, n_invalid: Its valid and its invalid trials.
        estimate: Mean of the valid ones, in the statistic's own units; None without any. Of a winner it is
            biased upward: it was chosen for being high.
        interval: Of the mean, in the statistic's own units; those of all arms hold together, at any time, so
            that of whoever was chosen holds too. None before any trial.
    """

    name: str
    low: int
    high: int
    may_win: bool
    n: int
    n_invalid: int = 0
    estimate: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """How the arms of a ranking stand.

    Attributes:
        top: How many were asked for.
        winners: Who they are; empty while it is open.
        arms: All of them, the best first.
    """

    top: int
    winners: tuple[str, ...]
    arms: tuple[RankedArm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCase:
    """A case that seemed to break a claim, and what its own draws say of it.

    Attributes:
        found: The case as it was found, as JSON.
        smallest: As small as it still seemed to break the claim, as JSON; what was confirmed, or was not.
        case_id: The name of the smallest among the trials.
        n_smaller: Smaller cases that were tried.
        is_smallest: None of them broke the claim; False where there were no more trials to tell.
        verdict: Refuted if it is confirmed; supported if the claim holds on this case; else inconclusive.
        certified: The inequality that its confirmation certifies.
        level: P(it is confirmed | the claim holds on it) is at most this, its share of beta.
        n, n_against, n_invalid: The trials of its confirmation, which no other step has seen: all, those
            against the claim, and invalid ones.
        estimate: The observed rate among the valid ones; None without any.
        interval: Anytime-valid, of the rate on this case; None before any trial.
        p_value: Anytime-valid, against the claim on this case.
    """

    found: str
    smallest: str
    case_id: str
    n_smaller: int
    is_smallest: bool
    verdict: Verdict
    certified: str
    level: float
    n: int
    n_against: int
    n_invalid: int
    estimate: float | None = None
    interval: Interval | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search did. How its own trials came out is no rate of anything: it chose cases for failing.

    Attributes:
        source: Where its cases came from, in words.
        n_cases: Cases that were tried, smaller ones included.
        n_exploring, n_shrinking, n_confirming: Trials that looked for cases, made them smaller, and confirmed
            them.
        findings: The cases that seemed to break the claim, in order.
        saved: The file that confirmed ones were added to; empty for none.
    """

    source: str
    n_cases: int
    n_exploring: int
    n_shrinking: int
    n_confirming: int
    findings: tuple[FoundCase, ...] = ()
    saved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with the inequality it certifies and the reason sampling stopped.

    Attributes:
        certified: The certified inequality in words, e.g. `"rate > 0.30"`; what is still open if
            inconclusive.
        n_unused: Draws beyond the stopping prefix: kept in the cache, not in the evidence.
        n_saved: Trials saved by the early stop, out of max_trials.
        parts: The parts of a joint claim, in order; else empty.
        n_needed: A guess of the units in all that a verdict or a measured number takes; None if there is one,
            or if none is in sight.
        standings: How the arms of a ranking stand; None for every other claim, and in older records.
        searched: What a search did and found; None for every other claim, and in older records.
    """

    verdict: Verdict
    stop: StopReason
    certified: str
    evidence: Evidence
    n_unused: int = 0
    n_saved: int = 0
    parts: tuple[PartVerdict, ...] = ()
    n_needed: int | None = None
    standings: Standings | None = None
    searched: Searched | None = None
