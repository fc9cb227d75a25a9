"""Whatever a model writes, what is printed is safe."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_velo.report.lines import as_text, block
from pytest_velo.report.text import columns, display, inline, neutralise, shorten

# Text made of the very pieces that are dangerous, which plain random text seldom joins.
hostile = st.one_of(
    st.text(st.characters(codec=None), max_size=80),
    st.lists(
        st.sampled_from(
            [
                "::",
                "##[",
                "##vso[",
                "\x1b[31m",
                "\x9b",
                "\r",
                "\n",
                "\r\n",
                " ",
                "\t",
                "\u202e",
                "\u2028",
                "ab",
                "日",
                "#",
            ]
        ),
        max_size=40,
    ).map("".join),
)

_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def is_safe(text: str) -> bool:
    """Independent of the implementation: by Unicode categories, and by what GitHub's runner looks for."""
    for character in text:
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            return False
        if unicodedata.bidirectional(character) in _BIDI:
            return False
    return not any(
        line.strip().startswith("::") or "##[" in line or "##vso[" in line for line in text.split("\n")
    )


@given(hostile)
@example("\n::error::x")
@example("\t \u00a0::set-output name=a::b")
@example("###[error]")
@example("\r::error::x")
def test_neutralised_text_is_safe(text: str) -> None:
    assert is_safe(neutralise(text))


@given(hostile)
def test_neutralising_twice_changes_nothing_more(text: str) -> None:
    once = neutralise(text)
    assert neutralise(once) == once


@given(hostile, st.integers(8, 60))
@example("x ::error::y", 8)
def test_displayed_lines_are_safe_and_fit(text: str, width: int) -> None:
    for line in display(text, width):
        assert is_safe(line)
        assert "\n" not in line
        assert columns(line) <= width


@given(hostile, hostile, st.integers(30, 60), st.integers(0, 20))
@example("日本", "0", 30, 0)
def test_blocks_are_safe_and_fit(label: str, text: str, width: int, limit: int) -> None:
    lines = block(label, text, width, limit=limit)
    assert is_safe(as_text(lines))
    assert all(columns(line.text) <= width for line in lines)


@given(hostile, st.integers(4, 40))
def test_inline_text_is_one_safe_line_that_fits(text: str, width: int) -> None:
    shown = inline(text, width)
    assert is_safe(shown)
    assert "\n" not in shown
    assert columns(shown) <= width


@given(st.text(max_size=100), st.integers(0, 50))
def test_cutting_says_exactly_how_much_is_gone(text: str, limit: int) -> None:
    cut = shorten(text, limit)
    if len(text) <= limit:
        assert cut == text
    else:
        n_cut = len(text) - limit
        assert f"{n_cut:,} character{'s' * (n_cut > 1)} cut" in cut
        assert cut.startswith(text[: limit // 2])


@given(st.text(st.characters(categories=["L", "N", "P"]), max_size=200), st.integers(8, 40))
def test_wrapping_loses_no_character_of_words(text: str, width: int) -> None:
    joined = "".join(display(text, width))
    assert [c for c in joined if c not in "\\ "] == [c for c in neutralise(text) if c not in "\\ "]
