"""One hypothesis in two recorded runs, compared unit by unit, as its design counts them."""

from __future__ import annotations

from pytest_velo.baselines.recorded import compare_recorded
from support.reports import refuted, trial


def test_recorded_runs_are_compared_if_they_claim_the_same() -> None:
    before, now = (refuted(trials=tuple(trial(n, one) for n in range(12))) for one in (1, 0))
    [part] = compare_recorded(before, now).parts
    assert part.comparison.certified == "rate < baseline"
    assert part.worse
    assert len(part.flips) == 12
    assert (
        compare_recorded(before, refuted(claim="rate >= 0.8")).reason
        == "the claim was `rate >= 0.7` and is now `rate >= 0.8`"
    )
