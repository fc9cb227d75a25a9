"""Whatever the texts hold, a judge's prompt has each of them whole, in its own part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.scorers.grading import FENCE, yes_no_prompt

TEXTS = st.text(st.sampled_from("=\n ab"), max_size=30) | st.text(max_size=20)
TURNS = st.lists(st.tuples(st.sampled_from(["user", "system", "assistant"]), TEXTS), min_size=1, max_size=4)


def mark_of(*texts: str) -> str:
    mark = FENCE
    while any(mark in text for text in texts):
        mark += "="
    return mark


@given(question=TEXTS, text=TEXTS, turns=TURNS)
def test_turns_and_the_text_can_be_told_apart_again(question, text, turns) -> None:
    prompt = yes_no_prompt(question, text, tuple(turns))
    mark = mark_of(question, text, *(said for _, said in turns))
    before, *parts = prompt.split(mark)
    assert before.startswith(f"{question}\n\n")
    assert parts[: len(turns)] == [f" {role}\n{said}\n" for role, said in turns]
    between, judged, after = parts[len(turns) :]
    assert between == "\n\nThe text to judge:\n"
    assert judged == f"\n{text}\n"
    assert after.startswith("\n\nAnswer as JSON:")


@given(question=st.text(max_size=20).filter(lambda text: FENCE not in text), text=TEXTS, context=TEXTS)
def test_a_context_and_the_text_can_be_told_apart_again(question, text, context) -> None:
    prompt = yes_no_prompt(question, text, context)
    texts = [question, text, context] if context else [text]
    _, *parts = prompt.split(mark_of(*texts))
    shown = [f"\n{context}\n", "\n\nThe text to judge:\n"] if context else []
    assert parts[:-1] == [*shown, f"\n{text}\n"]
