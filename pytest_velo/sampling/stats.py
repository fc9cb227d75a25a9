"""Totals of one process's sampling."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingStats:
    """Totals of one process's session so far.

    Attributes:
        n_calls: Draws that were made; `n_cached` were read.
        n_retries: Attempts after the first.
        cost_usd: Dollars of the draws made; None if one of them is unknown.
        n_cuts: How often an endpoint had its concurrency cut by 429s or 529s.
        throttled_s: Seconds in which calls waited because an endpoint asked for it.
        paced_s: Seconds in which calls waited for a declared rpm or tpm.
        budget_s: Seconds in which calls waited because the budget was reserved for those in flight.
        others_s: Seconds in which calls waited for draws that another process was making.
        away_s: Seconds in which calls waited for a shared store that could not be reached.
        n_alone: Draws made without knowing whether another machine made them: it could not be asked.
        n_lost: Attempts that may be billed although they brought no reply: no sum includes their cost.
    """

    n_calls: int
    n_cached: int
    n_retries: int
    cost_usd: float | None
    n_cuts: int
    throttled_s: float
    paced_s: float
    budget_s: float = 0.0
    others_s: float = 0.0
    n_lost: int = 0
    away_s: float = 0.0
    n_alone: int = 0
