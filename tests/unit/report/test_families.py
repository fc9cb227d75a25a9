"""What the summary says of families: how many hypotheses share an error rate, and what Holm made of them."""

from __future__ import annotations

from pytest_velo.records import Family, Outcome
from pytest_velo.report.families import _range, expected_wrong_families, family_lines, level_text, risk_text
from support.reports import refuted


def test_level_text_tells_the_share_in_the_family() -> None:
    family = Family(name="test_it.py::test_a", size=5, alpha=0.05, beta=0.1)
    assert level_text("alpha", family.alpha, family) == "alpha 0.05 / 5 (family test_it.py::test_a, Holm)"


def test_risk_text_tells_the_risk_of_the_family() -> None:
    assert (
        risk_text(
            0.1, Family(name="test_it.py::test_a", size=5, alpha=0.05, beta=0.1), "true", Outcome.REFUTED
        )
        == "in a family of 5, any claim that is true is refuted at most 10% of the time"
    )


def test_expected_wrong_families_count_a_family_once() -> None:
    family = Family(name="test_a.py::test_b", size=5, alpha=0.05, beta=0.1)
    assert f"{expected_wrong_families([refuted(family=family)] * 5):.2f}" == "0.15"


def test_family_lines_of_an_incomplete_family() -> None:
    family = Family(name="greetings", size=2, alpha=0.05, beta=0.1, p_support=1.0, p_refute=0.03)
    assert [line.text for line in family_lines([refuted(family=family)], width=80)] == [
        "",
        "families (Holm)",
        "greetings",
        "  members    2 hypotheses: 1 refuted, 1 without a result (p = 1)",
        "  sampled    at alpha 0.05 / 2 and beta 0.1 / 2",
        "  errors     P(any wrong supported in the family) <= 0.05, P(any wrong refuted",
        "             in it) <= 0.1",
        "  ✗ test_b",
        "    adjusted p 1 for supported, 0.03 for refuted",
    ]


def test_range_of_levels() -> None:
    assert _range({0.05}) == "0.05"
    assert _range({0.05, 0.01}) == "0.01 to 0.05"


def test_a_verdict_outside_of_all_families_is_counted_among_the_others() -> None:
    family = Family(name="greetings", size=2, alpha=0.05, beta=0.1, p_support=1.0, p_refute=0.03)
    single = Family(name="test_a.py::test_one", size=1, alpha=0.05, beta=0.1)
    results = [refuted(family=family), refuted(family=single), refuted(), refuted(outcome=Outcome.MEASURED)]
    told = [line.text for line in family_lines(results, width=100)]
    assert told[-1] == "2 other hypotheses are families of their own: the error rates of each are its own"
