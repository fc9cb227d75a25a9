"""F05: cases that are there more than once, or nearly."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from pytest_velo import cases
from pytest_velo.checks.duplicates import CHECK
from pytest_velo.checks.near import clusters
from pytest_velo.found import Level
from support.seen import found, seen

FARM = "A farmer has seventeen cows and all but nine of them run away in the night. How many are left?"
NIGHT = FARM.replace("in the night", "before dawn")
OTHERS = [
    "Who wrote the novel that everybody on the island of Sark has read this summer?",
    "What is the capital of the country in which the river Po reaches the sea?",
    "Which of the two trains that leave at noon from Rome and Milan is the first in Florence?",
]


@pytest.mark.parametrize(
    "copy",
    [FARM, FARM.upper(), FARM.replace(" ", "\n"), FARM.replace(".", "!")],
    ids=["the same", "case", "spacing", "punctuation"],
)
def test_copies_are_found_whatever_their_spelling(copy: str) -> None:
    (said,) = found(CHECK, seen([FARM, *OTHERS, copy]))
    assert said.level is Level.WARNING
    assert "1 of 5 cases" in said.message
    assert said.cases == ("4",)


def test_what_a_case_says_the_answer_is_makes_it_no_other_case() -> None:
    rows = [{"id": at, "question": FARM, "answer": answer} for at, answer in enumerate("AB")]
    assert [each.cases for each in found(CHECK, seen(rows))] == [("1",)]


def test_options_in_another_order_are_a_variant() -> None:
    tail = "\n (A) Nine of the cows\n (B) None of the cows at all"
    swapped = "\n (A) None of the cows at all\n (B) Nine of the cows"
    (said,) = found(CHECK, seen([FARM + tail, *OTHERS, FARM + swapped]))
    assert said.level is Level.NOTE


def test_variants_are_a_note() -> None:
    (said,) = found(CHECK, seen([FARM, *OTHERS, NIGHT]))
    assert said.level is Level.NOTE
    assert "share most of their wording" in said.message


@pytest.mark.parametrize(
    "rows",
    [
        OTHERS,
        [f"Is the following statement something that you would say?\n{text}" for text in OTHERS],
        [{"question": "Add these.", "a": a, "b": b} for a in range(4) for b in range(4)],
        [1, 2, 3],
        cases([{"text": FARM, "n": n} for n in (1, 1, 2)], group="n"),
    ],
    ids=["different", "one template", "numbers", "no texts", "copies in one group"],
)
def test_what_is_no_duplicate(rows: object) -> None:
    assert found(CHECK, seen(rows)) == []


def test_draws_of_a_function_may_repeat() -> None:
    def drawn(rng: random.Random) -> Iterator[str]:
        while True:
            yield rng.choice([FARM, *OTHERS])

    assert found(CHECK, seen(drawn)) == []


def test_one_copy_among_thousands_of_texts() -> None:
    rng = random.Random(0)
    words = [f"w{n}" for n in range(3_000)]
    texts = [" ".join(rng.choices(words, k=30)) for _ in range(6_000)]
    assert clusters([*texts, texts[0] + " more"]) == [(0, 6_000)]
