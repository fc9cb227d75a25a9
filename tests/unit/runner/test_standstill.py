"""What moves a belief, and what a reader of one that stands still is told."""

from __future__ import annotations

import pytest

from pytest_velo.cache.attempts import Found, Tried
from pytest_velo.runner.reruns import until_green
from pytest_velo.runner.standstill import n_still, untried


def found(low: float | None, high: float | None, **fields: object) -> Found:
    plain: dict[str, object] = {"measure": "rate", "towards": 1, "verdict": "refuted", **fields}
    return Found(
        test="t", sentence="", attempt="", n=9, max_trials=9, estimate=low, low=low, high=high,
        **plain,
    )  # type: ignore[arg-type]  # fmt: skip


def tried(**fields: str) -> Tried:
    plain = {"prompt": "p", "body": "b", "model": "m", "rung": "", **fields}
    return Tried(test="t", sentence="", number=1, claim="", claim_hash="", draws="", **plain)


@pytest.mark.parametrize(
    ("findings", "n"),
    [
        ([], 0),
        ([found(0.1, 0.3)], 1),
        ([found(0.1, 0.3), found(0.2, 0.4), found(0.0, 0.2)], 3),
        ([found(0.1, 0.3), found(0.31, 0.5)], 1),
        ([found(0.1, 0.3), found(0.31, 0.5), found(0.2, 0.4)], 2),
        ([found(0.1, 0.3), None, found(None, None)], 3),
        # An attempt with few trials has a wide interval: what beats it need not beat the best.
        ([found(0.4, 0.5), found(0.0, 0.9), found(0.45, 0.6)], 3),
        ([found(0.5, 0.7, towards=-1), found(0.2, 0.4, towards=-1)], 1),
        ([found(0.5, 0.7, towards=-1), found(0.8, 0.9, towards=-1)], 2),
        ([found(0.1, 0.3), found(0.1, 0.3), found(0.1, 0.3, measure="mean(0, 10)")], 1),
        ([found(0.1, 0.3, towards=0)] * 5, 0),
        ([found(0.1, 0.3), found(0.2, 0.3), found(0.2, 0.4, verdict="supported")], 0),
        ([found(0.1, 0.3, verdict="supported"), found(0.1, 0.2), None], 2),
    ],
)
def test_attempts_count_from_the_last_one_that_moved_the_belief(findings: list[Found | None], n: int) -> None:
    assert n_still(findings) == n


def test_what_was_not_tried_is_named_the_cheapest_first() -> None:
    everything = ("another prompt", "few-shot", "best-of-N", "another model", "fine-tuning")
    assert untried([tried()] * 3, 3) == everything
    assert untried([tried()] * 2, 2) == ()
    climbed = [tried(rung="few_shot"), tried(rung="best_of"), tried(prompt="q", model="n")]
    assert untried(climbed, 3) == ("fine-tuning",)
    assert untried([*climbed, tried(rung="fine_tuned")], 4) == ()


def test_reruns_until_green_are_told_where_they_are_paid_for_or_others_failed() -> None:
    told = until_green(["refuted", "inconclusive", "supported"], is_paid_for=True)
    assert told == (
        "the 3rd fresh set of draws for the same claim, prompt and body;"
        " the first two were refuted, inconclusive"
    )
    assert until_green(["supported", "supported"], is_paid_for=False) == ""
