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
        ("It is not noon, shall we say one?", "noon"),
        ("It isn't noon. Is that clear?", "noon"),
        ("It is not noon, is it?", "noon"),
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
        ("Why not 13 or 14? Both are right.", "13"),
        ("Isn't Paris the capital?", "Paris"),
        ("Hmm, isn’t Paris the capital?", "Paris"),
        ("Is it not Paris?", "Paris"),
        ("Well, couldn't it be 3.5, if 2.5 is too few?", "3.5"),
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


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("12.5", "12"),
        ("It is 3.12.", "12"),
        ("1,200 people", "1"),
        ("1,200 people", "200"),
        ("The sum is -12.", "12"),
        ("x = −12", "12"),
        ("1200.75", "1200"),
        ("0.5", "0"),
    ],
)
def test_a_part_of_another_number_is_no_answer(text: str, option: str) -> None:
    assert not Reply(text=text).answers(option)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("It is 12.", "12"),
        ("12, 13 or 14", "13"),
        ("12,13", "13"),
        ("12.0", "12"),
        ("$12.00", "12"),
        ("12.", "12"),
        ("1,200", "1,200"),
        ("7-12", "12"),
        ("- 12", "12"),
        ("-12", "-12"),
        ("a-12", "12"),
        ("12%", "12"),
        ("Step 1.\n12", "12"),
        ("It is Paris.Lyon", "Lyon"),
        ("1. Paris", "Paris"),
        ("The answer:12", "12"),
        ("3.5", "3.5"),
    ],
)
def test_a_whole_number_is(text: str, option: str) -> None:
    assert Reply(text=text).answers(option)
