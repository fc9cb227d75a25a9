"""Where a sentence ends."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from pytest_velo.sentences import sentences_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("  \n ", []),
        ("No end", ["No end"]),
        ("One. Two! Three? Four…", ["One.", "Two!", "Three?", "Four…"]),
        ("It costs 3.50. So 4.", ["It costs 3.50.", "So 4."]),
        ("See v1.2.3 of x.py. Done.", ["See v1.2.3 of x.py.", "Done."]),
        ("Fruit, e.g. Apples. More.", ["Fruit, e.g. Apples.", "More."]),
        ("In the U.S. Senate. There.", ["In the U.S. Senate.", "There."]),
        ("Dr. No met Mrs. Yes. Twice.", ["Dr. No met Mrs. Yes.", "Twice."]),
        ("See fig. 3. It is in no. 5.", ["See fig. 3.", "It is in no. 5."]),
        ("The answer is no. Because it is.", ["The answer is no.", "Because it is."]),
        ("The answer is A. Not B.", ["The answer is A.", "Not B."]),
        ("Well... maybe. Or not.", ["Well... maybe.", "Or not."]),
        ('He said "Go." Then he went.', ['He said "Go."', "Then he went."]),
        ("It is **7.** So 8.", ["It is **7.**", "So 8."]),
        ("1. Add. Then stop.\n2. Rest", ["1. Add.", "Then stop.", "2. Rest"]),
        ("- a. First one\n  * 2) Second one", ["- a. First one", "* 2) Second one"]),
        ("Step 1:\n3 + 4 = 7\n\nSo 7.", ["Step 1:", "3 + 4 = 7", "So 7."]),
        (
            "Look:\n```py\nx = 1. # One. Two.\n\ny\n```\nDone.",
            ["Look:", "```py\nx = 1. # One. Two.\n\ny\n```", "Done."],
        ),
        ("```\nnever. Closed", ["```\nnever. Closed"]),
        ("答案是四。对吗？是。", ["答案是四。", "对吗？", "是。"]),
        ("One.\r\nTwo.\r\n", ["One.", "Two."]),
    ],
)
def test_sentences(text: str, found: list[str]) -> None:
    assert list(sentences_of(text)) == found


@given(strategies.text(alphabet='ab A1.!?…"` \n\r\u2028。`~-'))
def test_only_white_space_lies_between_sentences(text: str) -> None:
    end, rest = 0, ""
    for sentence in sentences_of(text, "reasoning"):
        assert text[sentence.start : sentence.end] == sentence == sentence.strip() != ""
        assert sentence.part == "reasoning"
        assert sentence.start >= end
        rest += text[end : sentence.start]
        end = sentence.end
    assert not (rest + text[end:]).strip()
