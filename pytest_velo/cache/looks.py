"""What is remembered of a finished run beside its draws: plain records, cheap to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a set of draws: a run of one hypothesis that ended.

    Attributes:
        draws: Identifies the draws that were looked at, whatever was claimed of them.
        claim: Hash of claim and design, max_trials apart.
        scorer: Hash of the body and what scores replies.
        rule: The boundary: `calibrated` or `ville`.
        n: Units in the evidence.
        max_trials: Its limit.
        seed: The root seed.
        verdict: What it came to.
        looked_at: ISO 8601 in UTC.
        n_trials: Trials in the evidence; several make a unit where cases have several draws or groups.
    """

    draws: str
    claim: str
    scorer: str
    rule: str
    n: int
    max_trials: int
    seed: int
    verdict: str
    looked_at: str
    n_trials: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSeen:
    """What one trial of a test took when it last ran; dollars are None when a price is unknown."""

    calls_per_trial: float
    usd_per_trial: float | None = None
