"""The options in a prompt, and which of them a reply names."""

from __future__ import annotations

import pytest

from pytest_velo.checks.options import question_in, sent, without_options

ASKED = "What is a lemon?\n(A) a fruit\n(B) a planet\n(C) a fruit fly\nAnswer:"


@pytest.mark.parametrize(
    "text",
    [
        "Q\n(A) tea\n(B) milk",
        "Q\n A) tea\n B) milk\n",
        "Q\nA. tea\nB. milk",
        "Q\n- (a) tea\n- (b)   milk",
        "Q\n1. tea\n2. milk",
        "Q\n(A)tea\n(B): milk",
        "Would you like (A) tea (B) milk",
        "Q\n(A) one\n(B) two\n\nQ\n(A) tea\n(B) milk",
    ],
)
def test_options_are_found_in_the_usual_forms(text: str) -> None:
    question = question_in(text)
    assert question is not None
    assert question.options == ("tea", "milk")


@pytest.mark.parametrize(
    "text",
    ["", "The answer is (A).", "(B) milk\n(C) tea", "(A) tea\n(C) milk", "(A) tea\n(B) tea", "(A)\n(B) milk"],
)
def test_what_is_no_choice_has_no_options(text: str) -> None:
    assert question_in(text) is None


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("(B)", 1),
        ("b", 1),
        ("**B**", 1),
        ("B) a planet", 1),
        ("The correct answer is (B) a planet.", 1),
        ("The answer is B.", 1),
        ("The answer is (B", 1),
        ("It is a planet", 1),
        ("a fruit", 0),
        ("It is a fruit fly!", 2),
        ("A lemon is sour", None),
        ("(A) or (B)", 0),  # a reply that begins with a mark has named it
        ("Either (A) or (B)", None),
        ("(D)", None),
        ("", None),
        ("Banana", None),
    ],
)
def test_a_reply_names_one_option_or_none(said: str, place: int | None) -> None:
    question = question_in(ASKED)
    assert question is not None
    assert question.place_of(said) == place


def test_the_stem_has_what_stands_before_and_after() -> None:
    assert without_options(ASKED).split() == ["What", "is", "a", "lemon?", "Answer:"]
    assert without_options("no options") == "no options"


def test_texts_are_read_from_strings_and_parts() -> None:
    image = {"type": "image", "data": "…"}
    parts = [{"type": "text", "text": "two"}, image]
    messages = ({"role": "system", "content": "one"}, {"role": "user", "content": parts}, {"role": "tool"})
    assert sent(messages) == "one\n\ntwo"


def test_options_on_lines_and_in_a_sentence() -> None:
    on_lines = question_in("Pick one.\n(A) Yes\n (B) No\nAnswer:")
    inline = question_in("Is it (A) sweet, or (B) sour?")
    assert on_lines is not None
    assert inline is not None
    assert (on_lines.options, inline.options) == (("yes", "no"), ("sweet, or", "sour?"))
    assert question_in("(A) only") is None


def test_an_answer_is_placed_by_its_mark_or_its_words() -> None:
    question = question_in("Lemons are\n(A) sweet\n(B) sour")
    assert question is not None
    said = ("(B)", "B.", "A: sweet", "They are sour.", "A lemon", "?")
    assert [question.place_of(text) for text in said] == [1, 1, 0, 1, None, None]


def test_a_row_without_its_options_keeps_the_rest() -> None:
    row = '{"question": "Which?\\n(A) tea\\n(B) milk", "answer": "(B)"}'
    assert without_options(row).split() == ['{"question":', '"Which?', '",', '"answer":', '"(B)', '"}']
