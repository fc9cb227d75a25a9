"""What a result measured, read from the text of its claim."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo import baseline, difference, estimate, mean, rate
from pytest_velo.report.exports.measures import measured, measures
from pytest_velo.verdicts import Interval, PartVerdict, Verdict
from support.reports import refuted

CLAIMS = {
    "rate": (rate >= 0.3, "rate", "", (0, 1), False),
    "named": (rate("a, b >= 1") <= 0.05, "rate", "a, b >= 1", (0, 1), True),
    "mean": (mean(-1, 10, "y") >= 7, "mean", "y", (-1, 10), False),
    "within": (mean(0, 10).within(2, 3), "mean", "", (0, 10), False),
    "difference": (difference("a", "b") <= 0.1, "difference", "", (-1, 1), True),
    "of means": (difference("a", "b", of=mean(0, 10, "y")) >= 1, "difference", "y", (-10, 10), False),
    "baseline": (rate("asr") <= baseline + 0.05, "difference", "asr", (-1, 1), True),
    "within baseline": (mean(0, 10).within(baseline - 1, baseline + 1), "difference", "", (-10, 10), False),
    "estimate": (estimate(rate, halfwidth=0.05), "rate", "", (0, 1), False),
    "estimate of a mean": (estimate(mean(0, 10), halfwidth=1), "mean", "", (0, 10), False),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_claim_is_about(name: str) -> None:
    claim, kind, outcome, ends, at_most = CLAIMS[name]
    found = measured(str(claim))
    assert (found.kind, found.outcome, (found.low, found.high)) == (kind, outcome, ends)
    assert found.at_most is at_most
    statistic = claim.statistics[0]
    assert found.text in (str(statistic), str(claim))


def test_the_arms_of_a_difference() -> None:
    assert measured('difference("hinted", "plain") >= 0.1').arms == ("hinted", "plain")


def test_a_claim_of_a_plugin_is_called_a_claim() -> None:
    found = measured("everything is fine")
    assert (found.kind, found.text, found.low, found.high) == ("claim", "everything is fine", None, None)


def test_every_part_of_a_joint_claim_is_measured_alone() -> None:
    result = refuted(claim='(rate("x") >= 0.5) & (rate("y") >= 0.5)')
    ends = Interval(low=0.1, high=0.2, level=0.9)
    parts = tuple(
        PartVerdict(claim=claim, verdict=Verdict.REFUTED, certified="", estimate=seen, interval=ends)
        for claim, seen in (('rate("x") >= 0.5', 0.15), ('rate("y") >= 0.5', None))
    )
    found = measures(replace(result, decision=replace(result.decision, parts=parts)))
    assert [(one.claim, one.estimate, one.of.outcome) for one in found] == [('rate("x") >= 0.5', 0.15, "x")]


def test_what_has_no_number_is_not_measured() -> None:
    assert measures(refuted(decision=None)) == ()
    result = refuted()
    empty = replace(result.decision, evidence=replace(result.decision.evidence, estimate=None))
    assert measures(replace(result, decision=empty)) == ()
