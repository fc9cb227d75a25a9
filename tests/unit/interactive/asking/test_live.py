"""Answers as they come: side by side on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import re
from io import StringIO

from pytest_velo import Reply
from pytest_velo.interactive.asking.answers import Answer, Answers
from pytest_velo.interactive.asking.live import LiveShow, PlainShow, final_lines
from pytest_velo.report.text import columns


class Screen(StringIO):
    """A terminal that shows what was drawn last."""

    encoding = "utf-8"

    def rows(self) -> list[str]:
        """Return the lines on the screen; each frame begins by taking away the one before."""
        return self.getvalue().split("\x1b[0J")[-1].splitlines()


def answer(text: str, model: str = "a/b", invalid: str = "") -> Answer:
    """Return an answer."""
    return Answer(model=model, reply=Reply(text=text), invalid=invalid)


def live(screen: Screen, models: dict[str, int], width: int = 80, height: int = 24) -> LiveShow:
    """Return a live show without colours."""
    return LiveShow(screen, lambda: (width, height), lambda line: line.text, models)


def test_the_first_answer_of_each_model_is_drawn_at_once() -> None:
    screen = Screen()
    show = live(screen, {"a/b": 3, "c/d": 3})
    show.heard(answer("Paris."))
    show.heard(answer("Lyon.", model="c/d"))
    head, first = screen.rows()
    assert (head.split(), first.split()) == (
        ["a/b:", "1", "of", "3", "c/d:", "1", "of", "3"],
        ["-", "Paris.", "-", "Lyon."],
    )


def test_on_a_narrow_terminal_models_are_one_below_the_other() -> None:
    screen = Screen()
    show = live(screen, {"a/b": 1, "c/d": 1}, width=60)
    show.heard(answer("Paris."))
    show.heard(answer("Lyon.", model="c/d"))
    assert screen.rows() == ["a/b: 1 of 1", "- Paris.", "c/d: 1 of 1", "- Lyon."]


def test_no_frame_is_larger_than_the_terminal() -> None:
    screen = Screen()
    show = live(screen, {"a/b": 9, "c/d": 9}, width=80, height=8)
    for text in ("word " * 200, "日本語" * 50, "\x1b[2J\u202e"):
        show.heard(answer(text))
        show.heard(answer(text, model="c/d"))
        show._drawn_s = 0.0  # an eye has followed
    for frame in screen.getvalue().split("\x1b[0J"):
        rows = re.sub(r"\x1b\[\d+F", "", frame).splitlines()
        assert len(rows) < 8
        assert all(columns(row) <= 80 for row in rows)
        assert "\u202e" not in frame


def test_what_was_live_is_taken_away_and_nothing_follows() -> None:
    screen = Screen()
    show = live(screen, {"a/b": 2})
    show.heard(answer("Paris."))
    show.end()
    show.heard(answer("late"))
    assert screen.rows() == []
    assert "late" not in screen.getvalue()


def test_elsewhere_each_answer_is_a_paragraph() -> None:
    out = StringIO()
    show = PlainShow(out, 40, ["a/b", "c/d"])
    show.heard(answer("Paris.\nIn France."))
    show.heard(answer("Lyo", model="c/d", invalid="it was cut"))
    show.end()
    show.heard(answer("late"))
    assert out.getvalue() == "- a/b: Paris.\n  In France.\n- c/d: [invalid] Lyo\n\n"


def test_the_end_is_side_by_side_case_by_case() -> None:
    answers = Answers(
        [
            Answer(model=model, reply=Reply(text=text), case_id=case, case=case)
            for model in ("a/b", "c/d")
            for case, text in (("0", f"zero {model}"), ("1", f"one {model}"))
        ]
    )
    lines = [re.sub(r" {2,}", " | ", line.text.strip()) for line in final_lines(answers, 100)]
    assert lines[:3] == [
        "a/b: 2 replies | c/d: 2 replies",
        "case 0: case='0' | case 0: case='0'",
        "1 of 1 | zero a/b | 1 of 1 | zero c/d",
    ]
