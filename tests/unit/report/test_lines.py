"""Lines of output with a style each, so that whoever prints them needs no knowledge of their content."""

from __future__ import annotations

from pytest_velo.report.lines import Line, Style, as_text, block, fit_encoding, fit_lines, paragraph


def test_block_wraps_under_its_label() -> None:
    assert as_text(block("user", "Hello there", 22)).splitlines() == [
        "  user       Hello",
        "             there",
    ]


def test_paragraph_wraps() -> None:
    assert [line.text for line in paragraph("one two three", Style.BOLD, 8)] == ["one two", "three"]


def test_as_text_drops_styles() -> None:
    assert as_text([Line("a"), Line("b", Style.BAD)]) == "a\nb"


def test_fit_encoding_replaces_what_ascii_lacks() -> None:
    assert fit_encoding("✗ a · b", "utf-8") == "✗ a · b"
    assert fit_encoding("✗ a · b", "ascii") == "x a | b"


def test_fit_lines_keeps_styles() -> None:
    assert fit_lines([Line("✓ passed", Style.GOOD)], "ascii") == [Line(text="+ passed", style=Style.GOOD)]
