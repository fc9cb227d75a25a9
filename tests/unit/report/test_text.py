"""Model output is hostile text: what a terminal or a CI log would act on is shown, never sent."""

from __future__ import annotations

from pytest_velo.report.text import columns, defuse, display, inline, neutralise, pad, shorten, visible, wrap


def test_visible_escapes_control_characters() -> None:
    assert visible("\x1b[31mred\x1b[0m \u202eevil\r\nnext") == "\\x1b[31mred\\x1b[0m \\u202eevil\nnext"


def test_defuse_breaks_workflow_commands() -> None:
    assert defuse("::error::boo\n  ::set-output name=x::y\n a ##[group]b ##vso[task.x]").splitlines() == [
        "\\::error::boo",
        "  \\::set-output name=x::y",
        " a #\\#[group]b #\\#vso[task.x]",
    ]


def test_neutralise_does_both() -> None:
    assert neutralise("\x1b[2J\n ::error::boo").splitlines() == [
        "\\x1b[2J",
        " \\::error::boo",
    ]


def test_shorten_cuts_the_middle_out() -> None:
    assert shorten("abcdefghij", 4) == "ab [... 6 characters cut ...] ij"


def test_inline_is_one_line() -> None:
    assert inline("a\nb") == "a\\nb"
    assert inline("test_a_very_long_name", 12) == "test_...name"


def test_wide_characters_take_two_columns() -> None:
    assert columns("abc") == 3
    assert columns("日本") == 4
    assert columns("é") == 1


def test_pad_counts_columns() -> None:
    assert pad("日本", 6) == "日本  "


def test_wrap_keeps_newlines() -> None:
    assert wrap("one two three\nfour", 8) == ["one two", "three", "four"]


def test_display_neutralises_and_wraps() -> None:
    assert display("::error::boo\x1b[0m and more", 22) == ["\\::error::boo\\x1b[0m", "and more"]


def test_columns_of_what_is_wide_or_has_no_width() -> None:
    widths = {"日本": 4, "é": 1, "e\u0301": 1, "👩‍🔬": 4, "❤\ufe0f": 2, "🇫🇷": 2, "a\u20e3": 1, "نَ": 1}
    assert {text: columns(text) for text in widths} == widths
    assert all(columns(line) <= 10 for line in display("❤\ufe0f日本語👩‍🔬" * 9, 10))


def test_a_line_goes_on_as_far_in_as_it_began() -> None:
    assert wrap("what\n  fix: start the server there, or check base_url", 24) == [
        "what",
        "  fix: start the server",
        "  there, or check",
        "  base_url",
    ]


def test_what_is_far_in_leaves_room_for_its_text() -> None:
    lines = wrap(" " * 30 + "word " * 20, 40)
    assert all(line.startswith(" " * 10) and line[10] != " " for line in lines[1:])
    assert all(len(line) <= 40 for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(["word"] * 20)
