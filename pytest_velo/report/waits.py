"""What calls waited for, and lost, in words."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_velo.report.numbers import count, duration
from pytest_velo.sampling.stats import SamplingStats

WORTH_SAYING_S = 1.0


def session_waits(totals: SamplingStats) -> tuple[str, ...]:
    """Return all waits and retries of a session whose hypotheses were sampled together."""
    nothing = SamplingStats(
        n_calls=0, n_cached=0, n_retries=0, cost_usd=0.0, n_cuts=0, throttled_s=0.0, paced_s=0.0
    )
    said = list(waits(nothing, totals))
    if totals.n_retries:
        said.append(f"{count(totals.n_retries, 'retry', 'retries')} of calls, in all")
    return tuple(said)


def waits(before: SamplingStats, after: SamplingStats) -> Iterator[str]:
    """Yield what calls waited for, and lost, between two totals; short waits are left out."""
    throttled_s = after.throttled_s - before.throttled_s
    if throttled_s >= WORTH_SAYING_S:
        yield f"throttled: calls waited {duration(throttled_s)} because the endpoint asked for it"
    paced_s = after.paced_s - before.paced_s
    if paced_s >= WORTH_SAYING_S:
        yield f"paced: calls waited {duration(paced_s)} for the endpoint's declared rpm or tpm"
    n_lost = after.n_lost - before.n_lost
    if n_lost:
        yield (
            f"{count(n_lost, 'attempt')} timed out, came back unreadable or were abandoned: what the provider"
            " bills for them is unknown and not included here"
        )
    budget_s = after.budget_s - before.budget_s
    if budget_s >= WORTH_SAYING_S:
        yield (
            f"held back: calls waited {duration(budget_s)} because those in flight could use up the budget;"
            " set max_tokens= on the calls or raise --velo-budget to run more at once"
        )
    others_s = after.others_s - before.others_s
    if others_s >= WORTH_SAYING_S:
        yield f"shared: calls waited {duration(others_s)} for draws that another process was making"
    away_s = after.away_s - before.away_s
    if away_s >= WORTH_SAYING_S:
        yield f"cut off: calls waited {duration(away_s)} for the shared store"
    n_alone = after.n_alone - before.n_alone
    if n_alone:
        yield (
            f"cut off: {count(n_alone, 'draw')} made without knowing whether another machine made them, so"
            " they may be paid for twice; --velo-store-patience says how long to wait before that"
        )
