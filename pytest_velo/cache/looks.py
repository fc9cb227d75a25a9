"""What is remembered of a finished run in addition to its draws: plain records, cheap to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a set of draws: a finished run of one hypothesis.

    Attributes:
        draws: Identifies the draws, whatever was claimed about them.
        claim: Hash of claim and design, without max_trials.
        scorer: Hash of the body and of what scores replies.
        rule: The boundary: `calibrated` or `ville`.
        n: Units in the evidence.
        max_trials: Its limit.
        seed: The root seed.
        verdict: The verdict; `error` if the run ended by one.
        looked_at: ISO 8601 in UTC.
        n_trials: Trials in the evidence; a unit has several if it is a group or a case with several draws.
        prompt: Hash of what the first trial sent; empty if nothing, or if an older look does not tell.
        edition: That of the rules; 0 if an older look does not tell.
        horizon: The `max_trials` that its rule was made for; 0 if it is the same for all; None if an older
            look does not tell.
        asked: What was asked as far as it enters the rule beyond its thresholds: a half-width, arms.
        stop: Why its sampling ended; empty if an older look does not tell.
        labels: A few digits of each label that counted, in order; empty without labels.
        ends: A number for each end of the claim, the larger the stricter; empty if it has none, or if an
            older look does not tell.
        n_confirming: Trials that put findings of a search to the test; None if it is no search, or if an
            older look does not tell.
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
    prompt: str = ""
    edition: int = 0
    horizon: int | None = None
    asked: str = ""
    ends: tuple[float, ...] = ()
    stop: str = ""
    labels: str = ""
    n_confirming: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSeen:
    """What one trial of a test took when it last ran; dollars are None if a price is unknown."""

    calls_per_trial: float
    usd_per_trial: float | None = None
