"""Replies as they are shown: what is alike once, with its count, and nothing of a text acted on."""

from __future__ import annotations

from pytest_velo import Reply
from pytest_velo.interactive.asking.answers import Answer
from pytest_velo.interactive.asking.replies import Replies

HOSTILE = "<script>alert(1)</script> \x1b[31m \u202e ::error::x"


def of(*texts: str, model: str = "a/b", **more: object) -> list[Answer]:
    """Return answers."""
    return [Answer(model=model, reply=Reply(text=text, cost_usd=0.001), **more) for text in texts]  # type: ignore[arg-type]


def test_alike_is_alike_apart_from_case_and_white_space() -> None:
    lines = repr(Replies(of("Paris.", "paris. ", "Lyon", "PARIS."), duration_s=1.2)).splitlines()
    assert lines == [
        "a/b: 4 replies",
        "  3 of 4  Paris.",
        "  1 of 4  Lyon",
        "4 calls · $0.004 · 1.2 s",
    ]


def test_what_does_not_count_comes_last_with_its_reason_once() -> None:
    cut = of("half", "halves", invalid="it was cut")
    lines = repr(Replies([*cut, *of("whole")])).splitlines()
    assert lines[0] == "a/b: 3 replies, 2 invalid"
    assert lines[1:5] == ["  1 of 3  whole", "  invalid: it was cut", "  1 of 3  half", "  1 of 3  halves"]


def test_no_reply_and_no_text_are_told() -> None:
    none = Answer(model="a/b", reply=None, invalid="the model gave 3 time-outs")
    said = repr(Replies([none, *of("")]))
    assert "the model gave 3 time-outs" in said
    assert said.count("(no text)") == 2


def test_models_and_cases_are_apart() -> None:
    one, two = {"case": {"n": 1}, "case_id": "0"}, {"case": {"n": 2}, "case_id": "1"}
    replies = Replies([*of("A", **one), *of("B", **two), *of("C", model="c/d", **one)])
    assert list(replies.by_model) == ["a/b", "c/d"]
    assert replies.by_case["0"].texts == ["A", "C"]
    assert "case 1: " in repr(replies)


def test_an_unknown_price_is_not_shown_as_zero() -> None:
    replies = Replies([Answer(model="a/b", reply=Reply(text="yes"))])
    assert replies.cost_usd is None
    assert "$?" in repr(replies)


def test_from_the_cache_nothing_was_paid() -> None:
    replies = Replies([Answer(model="a/b", reply=Reply(text="yes", cached=True, cost_usd=0.5))])
    assert replies.cost_usd == 0
    assert "no call, no cost" in repr(replies)


def test_a_hostile_text_is_text_everywhere() -> None:
    replies = Replies(of(HOSTILE, model="a/<b>", invalid=HOSTILE), notices=[HOSTILE])
    for shown in (repr(replies), replies._repr_html_()):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    html = replies._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<b>a/&lt;b&gt;" in html
    assert not any(line.lstrip().startswith("::") for line in repr(replies).splitlines())


def test_many_ways_to_answer_are_counted_not_listed() -> None:
    said = repr(Replies(of(*(f"answer {n}" for n in range(30)))))
    assert "and 10 more ways to answer, in 10 replies" in said


def test_the_texts_are_whole_however_short_they_are_shown() -> None:
    long = "x" * 10_000
    replies = Replies(of(long))
    assert replies.texts == [long]
    assert len(repr(replies)) < 2_000
