"""Values as the source of a test: short, on lines that fit, hiding nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.interactive.asking.answers import Answer, Answers, grouped
from pytest_velo.interactive.asking.draft import draft, name_of_test
from pytest_velo.interactive.asking.inquiry import split_fields
from pytest_velo.interactive.asking.source import assigned, call, literal, value
from pytest_velo.interactive.session import in_keywords
from pytest_velo.records import Reply


def test_a_text_is_a_literal_on_one_line_that_hides_nothing() -> None:
    assert literal("plain") == '"plain"'
    assert literal('say "hi"\n') == "'say \"hi\"\\n'"
    assert literal("\x1b[0m") == '"\\x1b[0m"'


def test_a_value_and_a_call_stand_on_one_line_where_they_fit() -> None:
    assert assigned("PROMPT", "Is it so?") == 'PROMPT = "Is it so?"'
    assert value([{"role": "user", "content": "Hi"}]) == '[{"role": "user", "content": "Hi"}]'
    assert call("model", ["PROMPT", "max_tokens=20"]) == "model(PROMPT, max_tokens=20)"


def test_a_file_names_its_test_where_it_can() -> None:
    names = [name_of_test(Path(name)) for name in ("test_capitals.py", "idea.py", "test_2+2.py")]
    assert names == ["test_capitals", "test_idea", "test_idea"]


@pytest.mark.parametrize("name", ["tests/test_it.py", "2+2", "", "class", 5, Path("test_it.py")])
def test_what_is_no_name_of_a_test_is_not_written_as_one(name: Any) -> None:
    """A path became the name of a function: `async def /tmp/test_it.py(model):`."""
    with pytest.raises(UsageError, match="is no name of a test") as caught:
        draft(Answers(answers=(), asked=None), name=name)
    assert "save(" in caught.value.fix


def test_a_template_is_split_at_its_fields() -> None:
    assert split_fields("Is {number} even?") == ["Is ", "number", " even?"]


def test_a_fix_is_told_in_keywords_where_there_are_no_options() -> None:
    assert in_keywords("--velo-budget=2.00 continues from here") == "budget=2.00 continues from here"
    assert in_keywords("or run with --velo-budget=none") == 'or run with budget="none"'


def test_alike_replies_are_put_together_the_most_frequent_first() -> None:
    replies = [Reply(text=text) for text in ("Lyon.", "Paris.", "paris. ")]
    groups = grouped(Answer(model="a/b", reply=reply) for reply in replies)
    assert [(group.text, group.n) for group in groups] == [("Paris.", 2), ("Lyon.", 1)]
