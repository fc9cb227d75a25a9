"""F06: one answer, given to every case, would make the claim true."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo import mean, rate
from pytest_velo.checks.constants import CHECK
from pytest_velo.found import Level
from support.seen import found, seen


def rows(n: int, n_first: int, field: str = "answer") -> list[dict[str, Any]]:
    return [{"question": f"Question {at}?", field: "(A)" if at < n_first else "(B)"} for at in range(n)]


def reads_answer(model: Any, case: Any) -> bool:
    return bool(model(case.question) == case.answer)


def reads_item(model: Any, case: Any) -> bool:
    return bool(model(case.question) == case["answer"])


def reads_nothing(model: Any, case: Any) -> bool:
    return bool(model(case.question))


@pytest.mark.parametrize("body", [reads_answer, reads_item])
def test_a_constant_answer_wins(body: Any) -> None:
    (said,) = found(CHECK, seen(rows(20, 13), claim=rate >= 0.6, body=body))
    assert said.level is Level.WARNING
    assert 'answering "(A)" is right in 13 of 20 cases (65.0%)' in said.message
    assert "'answer'" in said.where


def test_it_is_a_note_where_the_body_does_not_read_the_answer() -> None:
    (said,) = found(CHECK, seen(rows(20, 13), body=reads_nothing))
    assert said.level is Level.NOTE


@pytest.mark.parametrize(
    ("cases", "claim", "keywords"),
    [
        (rows(20, 10), rate >= 0.5, {}),
        (rows(20, 13), rate >= 0.7, {}),
        (rows(20, 13), rate <= 0.5, {}),
        (rows(20, 13), mean(0, 1) >= 0.5, {}),
        (rows(20, 11), rate >= 0.5, {"over": "population"}),
        (rows(5, 4), rate >= 0.5, {}),
        (rows(20, 13, "topic"), rate >= 0.5, {}),
        (["(A)"] * 20, rate >= 0.5, {}),
    ],
    ids=["balanced", "claims more", "at most", "a mean", "by chance", "few cases", "no answers", "texts"],
)
def test_where_it_does_not_win(cases: Any, claim: Any, keywords: dict[str, Any]) -> None:
    assert found(CHECK, seen(cases, claim=claim, body=reads_answer, **keywords)) == []


def test_each_part_of_a_joint_claim_is_looked_at() -> None:
    claim = (rate("right") >= 0.5) & (rate("short") >= 0.9)
    (said,) = found(CHECK, seen(rows(20, 13), claim=claim, body=reads_answer))
    assert "right" in said.message
