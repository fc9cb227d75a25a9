"""What is said of a finished run beside its verdict: checks that look back, and trouble on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_velo.checks.snapshots import mixed_snapshots
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.records import HypothesisResult
from pytest_velo.report.numbers import count, duration
from pytest_velo.sampling.sampler import SamplingStats

WORTH_SAYING_S = 1.0


def with_remarks(
    result: HypothesisResult,
    outcomes: HostOutcomes,
    before: SamplingStats | None,
    after: SamplingStats | None,
) -> HypothesisResult:
    r"""Return the result with its retries and everything a reader has to be told.

    Args:
        result: Of a run that ended, for whatever reason.
        outcomes: What its body's trials came to.
        before: The sampler's totals when the run began, where it had the sampler to itself; else None.
        after: The totals when it ended.

    Returns:
        With the remarks as notices, each once; its retries are None where others used the sampler, too.
    """
    remarks = dict.fromkeys([*result.notices, *mixed_snapshots(result.trials)])
    warning = outcomes.never_failed()
    if warning is not None:
        remarks[warning] = None
    if before is None or after is None:
        return replace(result, notices=tuple(remarks), n_retries=None)
    remarks.update(dict.fromkeys(waits(before, after)))
    return replace(result, notices=tuple(remarks), n_retries=after.n_retries - before.n_retries)


def session_waits(totals: SamplingStats) -> tuple[str, ...]:
    """Return what is said of a session whose hypotheses were sampled together: waits and retries in all.

    Args:
        totals: Of the sampler, at the session's end.
    """
    nothing = SamplingStats(
        n_calls=0, n_cached=0, n_retries=0, cost_usd=0.0, n_cuts=0, throttled_s=0.0, paced_s=0.0
    )
    said = list(waits(nothing, totals))
    if totals.n_retries:
        said.append(f"{count(totals.n_retries, 'attempt')} beyond the first, in all")
    return tuple(said)


def waits(before: SamplingStats, after: SamplingStats) -> Iterator[str]:
    """Yield what calls waited for, and lost, between two moments, a line for each kind.

    Args:
        before: The sampler's totals at the first.
        after: At the second. Less than `WORTH_SAYING_S` seconds of a kind are not said.
    """
    throttled_s = after.throttled_s - before.throttled_s
    if throttled_s >= WORTH_SAYING_S:
        yield f"throttled: calls waited {duration(throttled_s)} because the endpoint asked for it"
    paced_s = after.paced_s - before.paced_s
    if paced_s >= WORTH_SAYING_S:
        yield f"paced: calls waited {duration(paced_s)} for the endpoint's declared rpm or tpm"
    n_lost = after.n_lost - before.n_lost
    if n_lost:
        yield (
            f"{count(n_lost, 'attempt')} timed out, came back unreadable or were given up: what the provider"
            " bills for them is unknown, and in no sum here"
        )
    budget_s = after.budget_s - before.budget_s
    if budget_s >= WORTH_SAYING_S:
        yield (
            f"held back: calls waited {duration(budget_s)} because those in flight might use up the budget;"
            " a max_tokens= on the calls or a larger --velo-budget lets more run at once"
        )
