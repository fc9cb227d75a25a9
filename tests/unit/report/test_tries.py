"""What is said of an attempt at a belief."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_velo.records import Attempt, HypothesisResult, Outcome
from pytest_velo.report.document import compact, from_compact
from pytest_velo.report.tries import attempt_rows
from pytest_velo.runner.reruns import until_green

SEVENTH = Attempt(number=7, n_prompts=3, n_bodies=1, n_models=2, since="2026-11-02", fresh=("refuted",))


def result(attempt: Attempt | None) -> HypothesisResult:
    return HypothesisResult(
        node_id="t", belief="b", claim="rate >= 0.5", scope="", outcome=Outcome.REFUTED, alpha=0.0006,
        attempt=attempt,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("attempt", "rows"),
    [
        (None, {}),
        (Attempt(number=1), {}),
        (SEVENTH, {"attempt": "attempt 7 on this belief, 3 prompts, 2 models, since 2026-11-02"}),
        (
            Attempt(number=1, alpha=0.05),
            {
                "attempt": "attempt 1 on this belief",
                "level": "alpha 0.05 for all attempts together, of which attempt 1 has 0.0006",
            },
        ),
        (
            replace(SEVENTH, n_still=4, untried=("few-shot", "fine-tuning")),
            {
                "attempt": "attempt 7 on this belief, 3 prompts, 2 models, since 2026-11-02",
                "untried": "4 attempts in a row moved nothing; not tried yet, the cheapest first: few-shot,"
                " fine-tuning",
            },
        ),
    ],
)
def test_an_attempt_says_its_number_its_level_and_what_was_not_tried(
    attempt: Attempt | None, rows: dict[str, str]
) -> None:
    made = result(attempt)
    assert dict(attempt_rows(made)) == rows
    assert from_compact(compact(made, 0)) == made


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ([], ""),
        (["supported"], ""),
        (["refuted", "refuted"], ""),
        (["supported", "supported"], ""),
        (["refuted", "supported"], "the 2nd fresh set of draws .* the first was refuted"),
        (
            ["refuted", "refuted", "inconclusive", "supported"],
            "the 4th fresh set of draws .* the first three were refuted, refuted, inconclusive",
        ),
        (["refuted"] * 10 + ["supported"], "the 11th fresh set of draws .* before: 10 refuted"),
    ],
)
def test_a_rerun_until_green_is_told_with_what_came_before(verdicts: list[str], told: str) -> None:
    covered, alone = (until_green(verdicts, is_paid_for=paid) for paid in (True, False))
    assert re.fullmatch(told, covered)
    assert alone == (f'{covered}: a rerun until green, which alpha does not cover (family="attempts" in the'
                     " mark does)" if covered else "")  # fmt: skip
