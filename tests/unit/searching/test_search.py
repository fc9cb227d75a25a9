"""What `search(...)` and `each_case(...)` take."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from pytest_velo import baseline, difference, each_case, estimate, mean, rate, search
from pytest_velo.claims.text import claim_in
from pytest_velo.errors import UsageError


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ([], {}, "the list is empty"),
        (7, {}, r"search\(\) got 7"),
        (str, {}, r"search\(\) got <class 'str'>"),
        (["a"], {"n_findings": 0}, "n_findings= must be a whole number"),
        (["a"], {"confirm": True}, "confirm= must be a whole number"),
        (["a"], {"shrink": "words"}, "shrink= must be a function"),
        (["a"], {"same": "topic"}, "same= must be a function"),
        (["a"], {"save": "findings.txt"}, "save= must name a .jsonl file"),
        (lambda histories: "a", {}, "has a parameter 'histories'"),
    ],
)
def test_what_it_does_not_take_is_refused(source: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        search(source, **options)


def test_it_says_where_cases_come_from() -> None:
    def attacker(history: Any) -> str:
        return f"{history}"

    told = [search(source).told for source in (st.text(), ["a", "b"], "prompts.jsonl", attacker)]
    assert told == [
        "cases of a strategy",
        "2 listed cases",
        "the cases of prompts.jsonl",
        "cases proposed by attacker",
    ]


@pytest.mark.parametrize(
    "claim",
    [
        rate,
        rate.within(0.2, 0.4),
        mean(0, 10) >= 7,
        difference("a", "b") >= 0.1,
        estimate(rate, halfwidth=0.1),
        rate >= baseline - 0.05,
    ],
    ids=str,
)
def test_each_case_takes_one_sided_claims_about_a_rate(claim: Any) -> None:
    with pytest.raises(UsageError, match=r"each_case\(\) takes a claim about a rate"):
        each_case(claim)


def test_it_is_written_as_it_is_read() -> None:
    for claim in (each_case(rate >= 0.95), each_case(rate("leaked") <= 0.05)):
        assert claim_in(str(claim)) == claim


def test_it_is_joined_with_nothing() -> None:
    claim = each_case(rate("a") >= 0.5)
    with pytest.raises(UsageError, match="cannot be joined"):
        claim & (rate("b") >= 0.5)
    with pytest.raises(UsageError, match="cannot be joined"):
        (rate("b") >= 0.5) & claim
    with pytest.raises(UsageError, match="no truth value"):
        bool(claim)
