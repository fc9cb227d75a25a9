"""The first claim that is suggested: about a field, the most frequent answer, a word of most, the length."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo import Reply
from pytest_velo.case_sets import Case
from pytest_velo.interactive.asking.answers import Answer, Answers
from pytest_velo.interactive.asking.suggestion import suggest


def answered(*texts: str, invalid: int = 0) -> Answers:
    """Return answers with these texts, and some that do not count."""
    valid = [Answer(model="a/b", reply=Reply(text=text)) for text in texts]
    return Answers([*valid, *[Answer(model="a/b", reply=Reply(text=""), invalid="empty")] * invalid])


@pytest.mark.parametrize(
    ("texts", "test"),
    [
        (["Paris.", "paris", "Lyon"], 'assert reply.answers("Paris")'),
        (["**42**", "42"], 'assert reply.answers("42")'),
        (["It is Paris, of course.", "Paris is it.", "Oh, Paris!"], 'assert reply.answers("Paris")'),
        (["It's 1,024 then.", "So 1,024."], 'assert reply.answers("1,024")'),
        (["One two three.", "Four five six seven.", "Nine."], "assert len(reply.text.split()) <= 10"),
        (["word " * 31, "wort " * 11, "mot " * 5], "assert len(reply.text.split()) <= 40"),
        (['"', "\\", "{}"], "assert len(reply.text.split()) <= 10"),
        (["\x1b[31m", "\u202e", "\x00"], "assert len(reply.text.split()) <= 10"),
    ],
)
def test_of_what_was_answered(texts: list[str], test: str) -> None:
    assert suggest(answered(*texts), "What is the capital of France?").test == test


def test_a_word_of_the_prompt_is_no_answer() -> None:
    texts = ["The capital of France is Paris, I believe.", "France has a capital, and that is Paris."]
    assert suggest(answered(*texts), "Name the capital of France.").belief == 'The model answers "Paris".'


@pytest.mark.parametrize(
    ("n_for", "n_invalid", "claim"),
    [
        (10, 0, "rate >= 0.8"),
        (7, 0, "rate >= 0.5"),
        (10, 10, "rate >= 0.3"),  # an invalid answer counts against it
        (10, 40, "estimate(rate, halfwidth=0.1)"),
    ],
)
def test_the_threshold_is_below_what_was_seen(n_for: int, n_invalid: int, claim: str) -> None:
    others = [f"No {n}" for n in range(10 - n_for)]
    suggestion = suggest(answered(*["Paris."] * n_for, *others, invalid=n_invalid), "?")
    assert suggestion.claim == claim
    assert (suggestion.n, suggestion.n_for, suggestion.n_invalid) == (10 + n_invalid, n_for, n_invalid)


def test_without_an_answer_that_counts_there_is_a_test_to_fill_in() -> None:
    suggestion = suggest(answered(invalid=3), "?")
    assert (suggestion.claim, suggestion.test) == (
        "estimate(rate, halfwidth=0.1)",
        'assert reply.answers("yes")',
    )


@pytest.mark.parametrize(
    ("case", "test"),
    [
        ({"q": "2 + 2?", "answer": 4}, "assert reply.answers(str(case.answer))"),
        ({"q": "2 + 2?", "answer": "4", "note": "It"}, "assert reply.answers(case.answer)"),
        ({"q": "2 + 2?", "sum": "4", "id": "It"}, "assert reply.answers(case.sum)"),
        ({"q": "2 + 2?", "wrong": "5"}, 'assert reply.answers("It is 4")'),
    ],
)
def test_a_field_that_the_prompt_does_not_show_is_what_is_expected(case: dict[str, Any], test: str) -> None:
    told = [Answer(model="a/b", reply=Reply(text="It is 4."), case=Case(case))]
    assert suggest(Answers(told), "{q}").test == test
