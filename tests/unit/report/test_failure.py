"""What a hypothesis says of itself when it is shown in full: the inequality first, then the raw data."""

from __future__ import annotations

from pytest_velo.report.failure import _what, failure_lines
from support.reports import refuted


def test_failure_lines_of_a_refuted_hypothesis() -> None:
    assert [line.text for line in failure_lines(refuted(), show=0)] == [
        "refuted: rate < 0.7 (a true claim is refuted at most 5% of the time)",
        "  means      this attempt does not show the belief; another prompt or model may",
        "  belief     Replies greet.",
        "  claim      rate >= 0.7, this body as it stands",
        "  model      lab/tiny",
        "  trials     9 of at most 200: 3 for the claim, 6 against it, 0 invalid",
        "  observed   rate 0.33; 90% interval [0.09, 0.69], valid at any stopping time",
        "  p-value    0.04, for data this unfavourable or more if the claim were true",
        "  stopped    because the evidence was strong enough; 191 trials saved",
        "",
        "run it again: pytest test_a.py::test_b --velo-seed=0",
    ]


def test_what_a_claim_is_about() -> None:
    assert [
        _what(claim) for claim in ("mean(0, 10) >= 7", "estimate(rate, halfwidth=0.1)", "rate >= baseline")
    ] == ["mean", "rate", "change from the baseline"]
