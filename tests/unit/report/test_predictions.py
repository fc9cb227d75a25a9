"""Predictions against findings, in words and numbers."""

from __future__ import annotations

import math

import pytest

from pytest_velo.records import HypothesisResult, Outcome, Prediction, Said
from pytest_velo.report.predictions import Scored, brier, log_score, prediction_text, predictions_text


def result(outcome: Outcome, prediction: Prediction | None) -> HypothesisResult:
    return HypothesisResult(
        node_id="t", belief="b", claim="rate >= 0.5", scope="", outcome=outcome, prediction=prediction
    )


def before(p: float) -> Prediction:
    return Prediction(p=p, said=Said.BEFORE)


def test_scores_are_those_of_the_books() -> None:
    scored = [Scored(0.8, 1.0), Scored(0.6, 0.0)]
    assert brier(scored) == pytest.approx((0.04 + 0.36) / 2)
    assert log_score(scored) == pytest.approx(-(math.log(0.8) + math.log(0.4)) / 2)
    assert [each.is_right for each in (*scored, Scored(0.5, 1.0))] == [True, False, False]


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ([], ""),
        ([result(Outcome.SUPPORTED, None)], ""),
        ([result(Outcome.SUPPORTED, before(0.8))], "1 prediction: 1 of 1 right, Brier 0.04"),
        ([result(Outcome.INCONCLUSIVE, before(0.8))], "1 prediction: 1 undecided"),
        ([result(Outcome.ERROR, before(0.8))], "1 prediction: 1 undecided"),
        ([result(Outcome.REFUTED, before(0.5))], "1 prediction: 0 of 1 right, 1 even, Brier 0.25"),
        (
            [result(Outcome.SUPPORTED, Prediction(p=0.9, said=Said.AFTER))],
            "1 prediction: 1 said too late to score",
        ),
        (  # changed afterwards: what was said first is scored
            [result(Outcome.SUPPORTED, Prediction(p=0.9, said=Said.AFTER, first=0.1))],
            "1 prediction: 0 of 1 right, Brier 0.81",
        ),
    ],
)
def test_a_run_sums_up_its_predictions(results: list[HypothesisResult], text: str) -> None:
    assert predictions_text(results) == text


def test_each_prediction_says_when_it_was_made() -> None:
    assert prediction_text(before(0.8)) == "0.8 that it is supported, said before the data"
    changed = Prediction(p=0.8, said=Said.AFTER, first=0.3)
    assert prediction_text(changed) == "said 0.8 after the data were seen; first said 0.3, which counts"
    for said in (Said.AFTER, Said.ON_OLDER_DRAWS):
        assert "not scored" in prediction_text(Prediction(p=0.8, said=said))
