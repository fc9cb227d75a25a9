"""Where a reply gives an answer: what it negates, and what is a part of another number, is none."""

from __future__ import annotations

import pytest

from pytest_velo.records import Reply


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("Not at noon.", "noon"),
        ("It starts early, not at noon", "noon"),
        ("It is not noon.", "noon"),
        ("It isn't noon.", "noon"),
        ("It isn’t at noon.", "noon"),
        ("It can't be **noon**.", "noon"),
        ('It is not "noon", of course.', "noon"),
        ("It is never at noon.", "noon"),
        ("Neither Lyon nor Nice.", "Lyon"),
        ("Neither Lyon nor Nice.", "nice"),
        ("13 is wrong.", "13"),
        ("No, 13 is incorrect: it is 12.", "13"),
        ("No. Your answer 13 is wrong.", "13"),
        ("- 13 is simply wrong", "13"),
        ("x " * 200 + "\n13 is wrong", "13"),
        ("I'm afraid that 13 is not correct.", "13"),
        ("The answer 13 isn't right.", "13"),
        ("13 is not the right answer.", "13"),
        ("**13** is wrong.", "13"),
        ("I am not sure.", "sure"),
    ],
)
def test_a_negated_answer_is_not_given(text: str, option: str) -> None:
    assert not Reply(text=text).answers(option)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("The answer is noon", "noon"),
        ("Not at midnight but at noon.", "noon"),
        ("No, it is noon.", "noon"),
        ("No: noon.", "noon"),
        ("Of course not. Noon.", "noon"),
        ("It is not Lyon, Paris is it.", "Paris"),
        ("Not only Paris.", "Paris"),
        ("It does not leave until noon.", "noon"),
        ("No fewer than 12, not more than 13", "13"),
        ("Not noon? Yes, noon.", "noon"),
        ("Anything but noon is wrong.", "noon"),
        ("Anything, but noon, is wrong.", "noon"),
        ("Anything else there could ever be in such a very very very long sentence but 13 is wrong", "13"),
        ("I don't think 13 is wrong.", "13"),
        ("Is it true that 13 is wrong?", "13"),
        ("13 is not only right, it is obvious.", "13"),
        ("Why not 13?", "13"),
        ("Paris is not in Germany, of course.", "Paris"),
        ("No", "no"),
        ("That is not so", "not so"),
        ("I'm not sure.", "not sure"),
        ("It isn't so.", "isn't"),
        ("13 is wrong", "wrong"),
        ("Of course not\nParis", "Paris"),
    ],
)
def test_what_is_not_surely_negated_counts(text: str, option: str) -> None:
    assert Reply(text=text).answers(option)
