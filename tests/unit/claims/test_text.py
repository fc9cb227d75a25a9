"""Claims written as text: what they say, and that nothing else is evaluated."""

from __future__ import annotations

import pytest

from pytest_velo import baseline, difference, estimate, mean, rate
from pytest_velo.claims.text import claim_in
from pytest_velo.errors import UsageError

CLAIMS = [
    rate >= 0.3,
    rate("asr") <= 0.05,
    rate.within(0.2, 0.4),
    mean(0, 10) >= 7,
    mean(-1, 1, "help ful") <= -0.5,
    difference("a", "b") >= 0.05,
    difference("a", "b", of=mean(0, 10)).within(0.5),
    difference("a", "b", of=rate("x")) >= -0.05,
    (rate("a") <= 0.1) & (mean(0, 10, "b") >= 7) & (rate("c") >= 0.5),
    estimate(rate, halfwidth=0.05),
    rate >= baseline - 0.05,
    rate <= baseline,
    mean(0, 10).within(baseline - 0.5, baseline + 0.5),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=str)
def test_a_claim_is_read_as_it_is_printed(claim: object) -> None:
    assert claim_in(str(claim)) == claim


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("rate", "claims nothing", "rate >= 0.6"),
        ("rate > 0.3", ">= and <=", "rate >= 0.3"),
        ("0.2 <= rate <= 0.4", "chained", "within"),
        ("rate >= 0.2 & rate <= 0.4", "chained", "within"),
        ("0.3 <= rate", "statistic comes first", "rate >= 0.3"),
        ("rat >= 0.3", "'rat' (column 1)", "did you mean 'rate'?"),
        ("rate >= threshold", "'threshold' (column 9)", "known:"),
        ("mean >= 0.5", "`mean` is not complete", "mean(0, 10)"),
        ("mean(0) >= 0.5", "wrong arguments", "mean(0, 10)"),
        ("rate >= 60", "between 0 and 1", "rate >= 0.6"),
        ("rate >=", "no claim (column", "rate >= 0.6"),
        ("", "no claim", "rate >= 0.6"),
        ("(rate >= 0.2) | (rate <= 0.1)", "joined with |", "&"),
        ('"a"', "is no claim", "rate >= 0.6"),
        ("rate.within(*[0.1, 0.2])", "no place", "rate >= 0.6"),
        ("rate >= True", "no place", "rate >= 0.6"),
    ],
)
def test_what_is_no_claim_is_refused_with_a_fix(text: str, what: str, fix: str) -> None:
    with pytest.raises(UsageError) as error:
        claim_in(text)
    assert what in error.value.what
    assert fix in error.value.fix


@pytest.mark.parametrize(
    "text",
    [
        '__import__("os").system("true")',
        "rate.__class__",
        "rate.scale.low >= 0.5",
        "[rate for _ in (1,)]",
        "(lambda: rate)()",
        "rate.within.__globals__",
        "estimate(rate, **{})",
        "(" * 3_000,
        "rate >= 0.5\x00",
        "rate >= " + "9" * 20_000,
    ],
)
def test_nothing_but_claims_is_evaluated(text: str) -> None:
    with pytest.raises(UsageError):
        claim_in(text)
