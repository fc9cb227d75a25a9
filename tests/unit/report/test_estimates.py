"""What a run would take beyond the stored draws, in words: of one hypothesis, and of a selection."""

from __future__ import annotations

from pytest_velo.report.estimates import Estimate, estimate_text, total_text


def test_estimate_text_tells_calls_and_dollars() -> None:
    assert (
        estimate_text(Estimate(ends="its verdict is in the cache", n_draws=23))
        == "estimate: 0 calls, its verdict is in the cache (23 draws)"
    )
    assert (
        estimate_text(Estimate(n_left=200, calls_per_trial=2.0, usd_per_trial=0.01))
        == "estimate: about 400 calls, $2.00, over at most 200 trials"
    )
    assert (
        estimate_text(Estimate(n_left=200, usd_per_trial=0.01, is_worst=True))
        == "estimate: at most 200 trials of at least 1 call each, $2.00 at worst with 1 each"
    )


def test_total_text_of_two_hypotheses() -> None:
    assert (
        total_text([Estimate(ends="...", n_draws=23), Estimate(n_left=200, calls_per_trial=2.0)])
        == "estimate of 2 hypotheses: about 400 calls, 23 draws from the cache, $?"
    )
