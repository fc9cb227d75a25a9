"""Every claim that can be written in a test is understood again out of a record."""

from __future__ import annotations

import pytest

from pytest_velo import baseline, difference, estimate, mean, rate
from pytest_velo.baselines.written import Part, claim_of, parts_of

score = mean(-2.5, 10, "helpful")


@pytest.mark.parametrize(
    ("claim", "parts"),
    [
        (rate >= 0.3, [(rate, 1)]),
        (rate("asr") <= 0.05, [(rate("asr"), -1)]),
        (rate.within(0.2, 0.4), [(rate, 0)]),
        (score >= 7, [(score, 1)]),
        (mean(0, 10).within(2, 4.5), [(mean(0, 10), 0)]),
        (rate >= baseline - 0.05, [(rate, 1)]),
        (score <= baseline + 0.5, [(score, -1)]),
        (rate("a").within(baseline - 0.1, baseline + 0.1), [(rate("a"), 0)]),
        (
            (rate("a") <= 0.1) & (score >= 1) & (rate("c") >= 0.5),
            [(rate("a"), -1), (score, 1), (rate("c"), 1)],
        ),
        (estimate(score, halfwidth=0.5), [(score, 0)]),
    ],
)
def test_claims_are_read_back(claim: object, parts: list[tuple[object, int]]) -> None:
    assert parts_of(str(claim)) == tuple(Part(statistic=of, better=better) for of, better in parts)


@pytest.mark.parametrize(
    "claim",
    [
        difference("b", "a", of=score) >= 1,
        difference("b", "a", of=score).within(0.5),
        estimate(difference("b", "a", of=score), halfwidth=0.5),
    ],
)
def test_a_difference_is_read_as_what_its_arms_are_compared_by(claim: object) -> None:
    assert parts_of(str(claim)) == (Part(statistic=score, better=0, arms=("b", "a")),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rate",
        "rate >",
        "median >= 3",
        "rate >= 0.2 >= 0.1",
        "mean(0) >= 1",
        "mean(3, 1) >= 1",
        "rate(2) >= 1",
        "__import__('os').abort() >= 1",
        "rate(print(1)) >= 1",
        "rate | rate",
        "x.within(1, 2)",
    ],
)
def test_anything_else_is_not_guessed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parts_of(text) is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "claim",
    [
        rate >= 0.3,
        rate("asr") <= 0.05,
        score.within(2, 4.5),
        rate >= baseline - 0.05,
        score <= baseline + 0.5,
        rate("a").within(baseline - 0.1, baseline),
        (rate("a") <= 0.1) & (score >= 1) & (rate("c") >= 0.5),
        difference("b", "a", of=score) >= 1,
        difference("b", "a").within(0.5),
        estimate(score, halfwidth=0.5),
    ],
    ids=str,
)
def test_a_claim_is_the_same_again(claim: object) -> None:
    assert claim_of(str(claim)) == claim


@pytest.mark.parametrize(
    "text",
    [
        "median >= 3",
        "rate >= 0.30",
        "rate >= __import__('os').getpid()",
        "rate > 0.3",
        "estimate(rate) & (rate >= 0.3)",
        "rate >= 3",
        "rate.within(0.2, baseline)",
        "(" * 5_000,
        "",
    ],
)
def test_another_text_is_no_claim(text: str) -> None:
    assert claim_of(text) is None
