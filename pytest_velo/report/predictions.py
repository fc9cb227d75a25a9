"""Predictions against findings: what is said of each, and how good they were together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pytest_velo.records import HypothesisResult, Outcome, Prediction, Said
from pytest_velo.report.numbers import count

_DECIDED = {Outcome.SUPPORTED: 1.0, Outcome.REFUTED: 0.0}


class Scored(NamedTuple):
    """A prediction that was decided.

    Attributes:
        p: The chance that was given to "supported", in (0, 1).
        found: 1 if it was supported, 0 if it was refuted.
    """

    p: float
    found: float

    @property
    def brier(self) -> float:
        """The squared distance, 0 to 1."""
        return (self.p - self.found) ** 2

    @property
    def surprise(self) -> float:
        """The log score in nats, from 0: minus the log of the chance that was given to what was found."""
        return -math.log(self.p if self.found else 1.0 - self.p)

    @property
    def is_right(self) -> bool:
        """More than an even chance was given to what was found."""
        return self.p > 0.5 if self.found else self.p < 0.5


def brier(scored: Sequence[Scored]) -> float:
    """Return the mean Brier score, 0 to 1: lower is better, and 0.25 is what 0.5 for everything gets.

    Source: Brier (1950), Monthly Weather Review 78:1.
    """
    return math.fsum(each.brier for each in scored) / len(scored)


def log_score(scored: Sequence[Scored]) -> float:
    """Return the mean log score in nats, from 0: lower is better, 0.693 is what 0.5 for everything gets.

    Source: Good (1952), J. R. Statist. Soc. B 14:107.
    """
    return math.fsum(each.surprise for each in scored) / len(scored)


def prediction_text(prediction: Prediction) -> str:
    """Say what was predicted, and when."""
    p = f"{prediction.p:g} that it is supported"
    match prediction.said:
        case Said.BEFORE:
            return f"{p}, said before the data"
        case Said.ON_OLDER_DRAWS:
            return f"{p}, said when the draws had been made already, so it is not scored"
        case Said.AFTER if prediction.first is not None:
            return (
                f"said {prediction.p:g} after the data were seen; first said {prediction.first:g}, which"
                " counts"
            )
    return f"{p}, said after data of this belief were seen, so it is not scored"


def predictions_text(results: Iterable[HypothesisResult]) -> str:
    """Sum up predictions against findings; empty without any."""
    made = [result for result in results if result.prediction is not None]
    if not made:
        return ""
    scored = [each for each in map(scored_of, made) if each is not None]
    n_late = sum(is_late(result.prediction) for result in made if result.prediction is not None)
    n_open = len(made) - len(scored) - n_late
    parts = []
    if scored:
        n_right = sum(each.is_right for each in scored)
        n_even = sum(each.p == 0.5 for each in scored)
        parts.append(f"{n_right} of {len(scored)} right")
        if n_even:
            parts.append(f"{n_even} even")
        parts.append(f"Brier {brier(scored):.2f}")
    if n_open:
        parts.append(f"{n_open} undecided")
    if n_late:
        parts.append(f"{n_late} said too late to score")
    return f"{count(len(made), 'prediction')}: {', '.join(parts)}"


def is_late(prediction: Prediction) -> bool:
    """Tell whether nothing was said before the data."""
    return prediction.said is not Said.BEFORE and prediction.first is None


def scored_of(result: HypothesisResult) -> Scored | None:
    """Return what is scored of a result: what was said before the data; None if there is nothing."""
    prediction = result.prediction
    if prediction is None or is_late(prediction) or result.outcome not in _DECIDED:
        return None
    p = prediction.p if prediction.first is None else prediction.first
    return Scored(p, _DECIDED[result.outcome])
