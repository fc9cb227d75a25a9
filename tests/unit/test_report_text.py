"""Hostile model text is shown, never obeyed."""

from __future__ import annotations

import pytest

from pytest_velo.report.lines import Line, Style, as_text, block, fit_encoding
from pytest_velo.report.text import columns, defuse, display, inline, neutralise, shorten, visible, wrap

ESC = "\x1b"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        (f"{ESC}[2J{ESC}[31mred", r"\x1b[2J\x1b[31mred"),
        (f"{ESC}]8;;http://evil\x07link{ESC}]8;;\x07", r"\x1b]8;;http://evil\x07link\x1b]8;;\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("ok\rFAKE", r"ok\rFAKE"),
        ("abc\b\b\bxyz", r"abc\x08\x08\x08xyz"),
        ("user\u202etxt.exe", r"user\u202etxt.exe"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("a\u2028b", r"a\u2028b"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("a\x00b", r"a\x00b"),
    ],
)
def test_controls_and_overrides_become_visible(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


def test_ordinary_text_is_left_as_it_is() -> None:
    text = "Zürich\n\t日本 👩‍👩‍👧 سلام naïve: a::b, 5 > 3 && #[x]"
    assert neutralise(text) == text


def test_windows_line_ends_are_newlines() -> None:
    assert visible("a\r\nb") == "a\nb"


@pytest.mark.parametrize("space", ["", " ", "\t", "  \t ", "\u00a0", "\u3000"])
def test_a_workflow_command_is_broken_at_the_start_of_any_line(space: str) -> None:
    assert defuse(f"x\n{space}::error::boo") == f"x\n{space}\\::error::boo"


@pytest.mark.parametrize("command", ["##[error]", "##vso[task.setvariable]", "##teamcity[x]"])
def test_a_marker_is_broken_anywhere(command: str) -> None:
    assert command not in defuse(f"text {command} text")
    assert command[2:] in defuse(f"text {command} text")


def test_wrapping_cannot_move_a_command_to_the_start_of_a_line() -> None:
    lines = wrap("word word ::error file=x::boo", 10)
    assert lines == ["word word", "\\::error", "file=x::bo", "o"]


def test_cutting_counts_what_is_gone_in_raw_characters() -> None:
    assert shorten("a" * 50 + "b" * 50, 10) == "aaaaa [... 90 characters cut ...] bbbbb"
    assert shorten("short", 10) == "short"
    assert shorten("x" * 10, None) == "x" * 10
    assert shorten("abc", 0) == " [... 3 characters cut ...] "


def test_wide_characters_count_two_columns() -> None:
    assert wrap("日本語日本語", 8) == ["日本語日", "本語"]
    assert columns("e\u0301") == 1


def test_display_keeps_blank_lines_and_indentation() -> None:
    assert display("def f():\n    pass\n\nx", 40) == ["def f():", "    pass", "", "x"]


def test_inline_text_stays_on_one_line() -> None:
    assert inline("a\nb\tc\r\nd") == r"a\nb\tc\nd"
    assert inline("x" * 30, 10) == "xxxx...xxx"
    assert columns(inline("日" * 30, 11)) <= 11


def test_a_block_aligns_its_lines_under_its_label() -> None:
    lines = block("assistant", "one two three four\nfive", 28, Style.DIM)
    assert as_text(lines) == ("  assistant  one two three\n             four\n             five")
    assert {line.style for line in lines} == {Style.DIM}


def test_every_style_has_its_markup() -> None:
    assert Line("x").style.markup == {}
    assert all(style.markup for style in Style if style is not Style.PLAIN)


@pytest.mark.parametrize("text", ["x", "word ", "日本 ", "::a", " ", "e\u0301\u0301\u0301", "\x1b"])
def test_a_long_line_is_wrapped_in_linear_time(text: str) -> None:
    lines = display(text * 200_000, 70)  # quadratic, this would not end in minutes
    assert all(columns(line) <= 70 for line in lines)
    assert not any(line.strip().startswith("::") for line in lines)


def test_every_symbol_of_ours_has_its_ascii() -> None:
    assert fit_encoding("✓ ✗ – · ≥ ≤", "ascii") == "+ x - | >= <="
