"""What is said of a finished run beside its verdict: checks that look back, and trouble on the way."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.checks.snapshots import mixed_snapshots
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.totals import waits
from pytest_velo.records import HypothesisResult
from pytest_velo.sampling.stats import SamplingStats


def with_notices(
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
        With the notices as notices, each once; its retries are None where others used the sampler, too.
    """
    notices = dict.fromkeys([*result.notices, *mixed_snapshots(result.trials)])
    warning = outcomes.never_failed()
    if warning is not None:
        notices[warning] = None
    if before is None or after is None:
        return replace(result, notices=tuple(notices), n_retries=None)
    notices.update(dict.fromkeys(waits(before, after)))
    return replace(result, notices=tuple(notices), n_retries=after.n_retries - before.n_retries)
