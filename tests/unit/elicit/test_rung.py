"""Rungs: their names, and the answers in what is thought aloud."""

from __future__ import annotations

from pytest_velo.elicit.rung import name_of
from pytest_velo.elicit.thoughts import answer_in


def test_a_rung_is_named_by_its_kind_and_what_it_was_given_unless_its_author_names_it() -> None:
    assert name_of("few_shot", None, "k=8") == "few_shot(k=8)"
    assert name_of("zero_shot", None) == "zero_shot"
    assert name_of("zero_shot", "plain") == "plain"


def test_an_answer_stands_on_a_line_of_its_own() -> None:
    assert answer_in("7 and 5 make 12. **Answer:** 12") is None
    assert answer_in("First.\n**Answer:** 12\n") == "12"
