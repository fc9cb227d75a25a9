"""Notices about a finished run: whom it asked, and trouble on the way."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.bodies.asked import never_asked
from pytest_velo.designing.outcomes import BodyOutcomes
from pytest_velo.records import HypothesisResult
from pytest_velo.report.waits import waits
from pytest_velo.sampling.stats import SamplingStats


def with_notices(
    result: HypothesisResult,
    outcomes: BodyOutcomes,
    before: SamplingStats | None,
    after: SamplingStats | None,
) -> HypothesisResult:
    """Return the result with its retries and notices, each once.

    `before` and `after` are the sampler's totals around a run that had the sampler to itself. Otherwise they
    are None, and so are the retries.
    """
    notices = dict.fromkeys([*result.notices, *never_asked(result.trials, result.model)])
    warning = outcomes.never_failed()
    if warning is not None:
        notices[warning] = None
    if before is None or after is None:
        return replace(result, notices=tuple(notices), n_retries=None)
    notices.update(dict.fromkeys(waits(before, after)))
    return replace(result, notices=tuple(notices), n_retries=after.n_retries - before.n_retries)
