"""Lines of output with a style each, so that whoever prints them needs no knowledge of their content."""

from __future__ import annotations

from pytest_velo.report.lines import Line, Style, as_text, block, fit_encoding, fit_lines, paragraph


def test_block_wraps_under_its_label() -> None:
    assert as_text(block("user", "Hello there", 22)).splitlines() == [
        "  user       Hello",
        "             there",
    ]


def test_paragraph_wraps() -> None:
    assert [line.text for line in paragraph("one two three", Style.BOLD, 10)] == ["one two", "  three"]


def test_no_line_of_a_paragraph_after_the_first_begins_at_the_margin() -> None:
    said = "a server says:\n=== 3 passed in 0.01s ===\r\nERROR test_x.py\x1b[2K\n  fix: nothing"
    assert [line.text for line in paragraph(said, Style.BAD, 80)] == [
        "a server says:",
        "  === 3 passed in 0.01s ===",
        "  ERROR test_x.py\\x1b[2K",
        "  fix: nothing",
    ]


def test_as_text_drops_styles() -> None:
    assert as_text([Line("a"), Line("b", Style.BAD)]) == "a\nb"


def test_fit_encoding_replaces_what_ascii_lacks() -> None:
    assert fit_encoding("✗ a · b", "utf-8") == "✗ a · b"
    assert fit_encoding("✗ a · b", "ascii") == "x a | b"


def test_fit_lines_keeps_styles() -> None:
    assert fit_lines([Line("✓ passed", Style.GOOD)], "ascii") == [Line(text="+ passed", style=Style.GOOD)]
