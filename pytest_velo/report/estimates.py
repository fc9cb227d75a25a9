"""What a run would need beyond the stored draws, in words: for one hypothesis, and for a selection."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from pytest_velo.report.numbers import count, dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one hypothesis would need.

    Attributes:
        ends: Why no call is needed; empty if one is.
        n_trials: Trials that the stored draws complete, from the first one on without a gap.
        n_draws: The stored draws they use.
        n_left: Maximum number of further trials.
        calls_per_trial: Model calls of a trial; None if none was ever seen (then at least one).
        usd_per_trial: Dollars of a trial; None if unknown.
        is_worst: The dollars are the worst case of a trial with one call (or with as many as seen).
        n_likely: Further trials on average, or if all goes well; None if unknown.
        likely_when: What the average is over; empty if all has to go well.
    """

    ends: str = ""
    n_trials: int = 0
    n_draws: int = 0
    n_left: int = 0
    calls_per_trial: float | None = None
    usd_per_trial: float | None = None
    is_worst: bool = False
    n_likely: float | None = None
    likely_when: str = ""

    @property
    def calls(self) -> int:
        """About how many calls all further trials take, counting a trial with an unknown number as one."""
        return 0 if self.ends else self.calls_of(self.n_left)

    @property
    def usd(self) -> float | None:
        """About how many dollars all further trials take; None if unknown."""
        return 0.0 if self.ends else self.usd_of(self.n_left)

    def calls_of(self, n_trials: float) -> int:
        """Return the calls of so many trials."""
        each = 1.0 if self.calls_per_trial is None else self.calls_per_trial
        return math.ceil(each * n_trials - 1e-9)

    def usd_of(self, n_trials: float) -> float | None:
        """Return the dollars of so many trials; None if unknown."""
        return None if self.usd_per_trial is None else self.usd_per_trial * n_trials

    def to_json(self) -> str:
        """Return the estimate as text that a worker can send."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Estimate:
        """Undo `to_json`."""
        return cls(**json.loads(text))


def estimate_text(estimate: Estimate) -> str:
    """Say what one hypothesis would need."""
    if estimate.ends:
        stored = f" ({count(estimate.n_draws, 'draw')})" if estimate.n_draws else ""
        return f"estimate: 0 calls, {estimate.ends}{stored}"
    return f"estimate: {_stored(estimate)}{_most(estimate)}{_likely(estimate)}"


def in_all(estimates: Sequence[Estimate]) -> Estimate:
    """Return what several rungs of one ladder would take together, if all are needed.

    How many of them are needed is not known, so nothing is said of the average.
    """
    if len(estimates) == 1:
        return estimates[0]
    needing = [estimate for estimate in estimates if not estimate.ends]
    if not needing:
        n_draws = sum(estimate.n_draws for estimate in estimates)
        return replace(estimates[-1], n_draws=n_draws)
    left = sum(estimate.n_left for estimate in needing)
    known = all(estimate.calls_per_trial is not None for estimate in needing)
    usd = sum(estimate.usd or 0.0 for estimate in needing)
    dollars_known = all(estimate.usd is not None for estimate in needing)
    return Estimate(
        n_trials=sum(estimate.n_trials for estimate in estimates),
        n_draws=sum(estimate.n_draws for estimate in estimates),
        n_left=left,
        calls_per_trial=sum(estimate.calls for estimate in needing) / left if known and left else None,
        usd_per_trial=usd / left if dollars_known and left else None,
        is_worst=any(estimate.is_worst for estimate in needing),
    )


def total_text(estimates: Sequence[Estimate]) -> str:
    """Say what a selection would need."""
    unseen = sum(not estimate.ends and estimate.calls_per_trial is None for estimate in estimates)
    more = f" (assuming one per trial for {unseen} that never ran)" if unseen else ""
    n_calls = sum(estimate.calls for estimate in estimates)
    calls = f"{'about ' if n_calls else ''}{count(n_calls, 'call')}{more}"
    stored = f"{count(sum(estimate.n_draws for estimate in estimates), 'draw')} from the cache"
    what = count(len(estimates), "hypothesis", "hypotheses")
    return f"estimate of {what}: {calls}, {stored}, {_dollars(estimates)}"


def _stored(estimate: Estimate) -> str:
    if not estimate.n_trials:
        return ""
    return f"{count(estimate.n_trials, 'trial')} from the cache ({count(estimate.n_draws, 'draw')}), then "


def _most(estimate: Estimate) -> str:
    trials = count(estimate.n_left, "trial")
    usd = dollars(estimate.usd)
    if estimate.calls_per_trial is None:
        worst = " at worst with 1 each" if estimate.is_worst and estimate.usd else ""
        return f"at most {trials} of at least 1 call each, {usd}{worst}"
    # A trial may make more calls than those so far did in the mean.
    worst = " at worst for so many" if estimate.is_worst and estimate.usd else ""
    return f"about {count(estimate.calls, 'call')}, {usd}{worst}, over at most {trials}"


def _likely(estimate: Estimate) -> str:
    if estimate.n_likely is None:
        return ""
    calls = count(estimate.calls_of(estimate.n_likely), "call")
    usd = estimate.usd_of(estimate.n_likely)
    told = calls if not usd else f"{calls} and {dollars(usd)}"
    when = estimate.likely_when
    return f"; on average up to {told}, {when}" if when else f"; perhaps as few as {told}"


def _dollars(estimates: Sequence[Estimate]) -> str:
    """Add up what is known, and count what is not."""
    known = [usd for estimate in estimates if (usd := estimate.usd) is not None]
    unknown = len(estimates) - len(known)
    if not any(known):
        return "$?" if unknown else "$0.00"
    total = dollars(sum(known))
    return f"about {total} + $? of {unknown}" if unknown else f"about {total}"
