"""F02: a verdict that hangs on invalid trials."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo import difference, mean, rate
from pytest_velo.checks.flips import CHECK, estimates_at_worst
from pytest_velo.records import OutcomeKind
from pytest_velo.verdicts import Decision, Evidence, StopReason, Verdict
from support.seen import found, seen, trial


def said(claim: Any, estimate: float, n: int, n_invalid: int, verdict: Verdict, **keywords: Any) -> list[str]:
    evidence = Evidence(n=n, n_for=n, n_against=0, n_invalid=n_invalid, estimate=estimate, rule="calibrated")
    decision = Decision(verdict=verdict, stop=StopReason.DECIDED, certified="", evidence=evidence)
    trials = [trial(kind=OutcomeKind.INVALID)]
    what = seen(claim=claim, trials=trials, decision=decision, **{"invalid": "exclude", **keywords})
    return [each.message for each in found(CHECK, what)]


@pytest.mark.parametrize(
    ("claim", "estimate", "verdict", "keywords"),
    [
        (rate >= 0.7, 1.0, Verdict.SUPPORTED, {}),
        (rate <= 0.3, 0.0, Verdict.SUPPORTED, {}),
        (rate.within(0.4, 0.6), 0.5, Verdict.SUPPORTED, {}),
        (rate >= 0.5, 0.2, Verdict.REFUTED, {}),
        (rate >= 0.5, 0.2, Verdict.REFUTED, {"invalid": "against"}),
        (mean(0, 10) >= 7, 9.0, Verdict.SUPPORTED, {}),
        (difference("a", "b") >= 0.2, 0.5, Verdict.SUPPORTED, {"arms": ("a", "b")}),
    ],
)
def test_the_other_side_is_in_reach(claim: Any, estimate: float, verdict: Verdict, keywords: Any) -> None:
    (told,) = said(claim, estimate, 60, 40, verdict, **keywords)
    assert told.startswith("40 of 100 trials are invalid")


@pytest.mark.parametrize(
    ("claim", "estimate", "n_invalid", "verdict", "keywords"),
    [
        (rate >= 0.5, 1.0, 5, Verdict.SUPPORTED, {}),
        (rate >= 0.5, 1.0, 0, Verdict.SUPPORTED, {}),
        (rate >= 0.7, 1.0, 40, Verdict.INCONCLUSIVE, {}),
        (rate >= 0.7, 1.0, 40, Verdict.SUPPORTED, {"invalid": "bound"}),
        (rate >= 0.2, 0.4, 40, Verdict.SUPPORTED, {"invalid": "against"}),
        (rate <= 0.8, 0.6, 40, Verdict.SUPPORTED, {"invalid": "against"}),
        (rate <= 0.5, 0.95, 40, Verdict.REFUTED, {"invalid": "against"}),
        (rate >= 0.5, 0.6, 40, Verdict.SUPPORTED, {"draws_per_case": 3, "cases": ["a", "b"]}),
    ],
    ids=[
        *("too few", "none", "undecided", "bounded", "supported though all count against it"),
        *("likewise at most", "refuted by far", "units of several trials"),
    ],
)
def test_where_it_holds(
    claim: Any, estimate: float, n_invalid: int, verdict: Verdict, keywords: dict[str, Any]
) -> None:
    assert said(claim, estimate, 60, n_invalid, verdict, **keywords) == []


def test_an_outcome_that_counts_already_goes_one_way_only() -> None:
    """Counted as 0 against `rate >= 0.2`, it can only have been a 1: it was counted as less than 0."""
    assert estimates_at_worst(1.0, 60, 40, (0.0, 1.0)) == (0.6, 1.0)
    low, high = estimates_at_worst(0.2, 60, 40, (0.0, 1.0), counted_as=0.0)
    assert (low, round(high, 9)) == (0.2, 0.6)
    low, high = estimates_at_worst(0.8, 60, 40, (0.0, 1.0), counted_as=1.0)
    assert (round(low, 9), high) == (0.4, 0.8)
