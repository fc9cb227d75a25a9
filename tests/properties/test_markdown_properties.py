"""Whatever a model, a data set or a user writes: as Markdown it is text, and nothing else, on any site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_velo.records import Outcome
from pytest_velo.report.markdown.around import Around, Trouble
from pytest_velo.report.markdown.document import COMMENT, markdown_of
from pytest_velo.report.markdown.escaping import block, code, html, prose
from pytest_velo.report.text import inline, neutralise
from support.pages import HOSTILE_TEXTS, hostile_results
from support.rendered import SKELETON, Rendered, rendered, squeezed
from support.reports import recorded

pytest.importorskip("cmarkgfm", reason="pip install 'pytest-velo[dev]'")
pytest.importorskip("linkify_it", reason="pip install 'pytest-velo[dev]'")

PIECES = (
    *(
        "`",
        "``",
        "```",
        "~~~",
        "|",
        "\\",
        "\\|",
        "\n",
        "\n\n",
        "\r",
        "\t",
        " ",
        "    ",
        "&",
        "&amp;",
        "&#64;",
    ),
    *("<", ">", "<b>", "</details>", "</code>", "</pre>", "<!--", "-->", "<![CDATA[", "<?", "<script>"),
    *(
        "![x](http://e.org/x.png)",
        "[a](javascript:b)",
        "[a]: http://e.org",
        "[a][b]",
        "[^1]",
        "<http://e.org>",
    ),
    *(
        "@octocat",
        "@org/team",
        "#123",
        "GH-12",
        "!12",
        "$12",
        "$x$",
        "%1",
        "~label",
        "&1",
        ":smile:",
        "^alert#1",
    ),
    *(
        "www.example.com",
        "http://e.org",
        "ftp://e.org",
        "a@e.org",
        "example.com",
        "mailto:a@e.org",
        "e.org/x",
    ),
    *("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "user/repo#1", "/close", "::error::x", "##[error]x"),
    *(
        "# a",
        "- a",
        "1. a",
        "> a",
        "---",
        "===",
        "* * *",
        "*a*",
        "_a_",
        "__a__",
        "~~a~~",
        "- [ ] a",
        "| a | b |",
    ),
    *("\x1b[31m", "\u202e", "\u2028", "\ud800", "\x00", "\ufeff", "\u200d", "日本", "é", "e\u0301", "🙂"),
    *("a", "yes", "The model", "it's", "5%", "1,234.5", "(", ")", ".", ",", '"', "'", "{{ x }}", "{% y %}"),
)
HOSTILE = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
    st.text(st.characters(codec=None), max_size=60),
)


def only_text(seen: Rendered) -> bool:
    return {*seen.tags} <= SKELETON and not seen.attributes and not seen.meant()


def without_marks(text: str) -> str:
    """Return a text without what `prose` leaves out where a name is marked as code already."""
    return squeezed(text).replace("`", "")


@given(HOSTILE)
@settings(max_examples=100, deadline=None)
@example("`a`")
@example("a|b\\|c")
@example("x ``` y")
@example("(see http://e.org).")
@example("'''@a")
def test_a_text_in_a_line_is_text(text: str) -> None:
    for piece, shown in ((prose(text), text), (code(text), text)):
        for seen in rendered(f"## it {piece} end\n\n- it **{piece}** end\n"):
            assert only_text(seen)
            assert seen.tags["h2"] == seen.tags["li"] == 1
            assert without_marks(seen.text).count(without_marks(inline(shown))) >= 2 or not squeezed(shown)


@given(HOSTILE, HOSTILE)
@settings(max_examples=100, deadline=None)
@example("a\\", "|b")
@example("`", "`")
def test_a_text_in_a_cell_stays_in_it(first: str, second: str) -> None:
    row = f"| {prose(first)} | {code(second)}<br>{code(first)} | {prose(second)} |\n"
    for seen in rendered(f"| a | b | c |\n| --- | --- | --- |\n{row}"):
        assert only_text(seen)
        assert seen.cells == [3, 3]
        assert without_marks(inline(first) + inline(second)) in without_marks(seen.text)


@given(HOSTILE)
@settings(max_examples=100, deadline=None)
def test_a_block_of_code_holds_its_text_and_ends(text: str) -> None:
    source = ["<details><summary>" + html(text) + "</summary>", "", *block(text), "", "</details>", "", "end"]
    for seen in rendered("\n".join(source)):
        assert only_text(seen)
        assert squeezed(neutralise(text)) in squeezed("".join(seen.code))
        assert "".join(seen.plain).strip() == "end"


def sources(texts: list[str], limit: int) -> Iterator[str]:
    # No half of a character is ever sent, so none is in the prompts that are compared.
    texts = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    with TemporaryDirectory() as folder:
        run = recorded(Path(folder), *hostile_results(texts))
        around = Around(
            troubles=[Trouble(text, text) for text in texts],
            unsampled={text: text for text in texts},
            stopped=texts[0],
            pages=texts,
        )
        yield markdown_of(run, limit=limit)
        yield markdown_of(run, run, around, limit=limit)
        yield markdown_of(None, None, around, limit=limit)


@given(st.lists(HOSTILE, min_size=1, max_size=3), st.sampled_from((5_000, 20_000, COMMENT)))
@settings(max_examples=8, deadline=None)
@example([*HOSTILE_TEXTS], 1_000_000)
@example(["1. a", "2) a", "- a"], 20_000)
@example(["+ a", "> a", "= a"], 20_000)
def test_a_whole_document_is_our_skeleton_and_fits(texts: list[str], limit: int) -> None:
    for source in sources(texts, limit):
        assert len(source.encode()) <= limit
        assert not any(line.lstrip().startswith("::") or "##[" in line for line in source.split("\n"))
        for seen in rendered(source):
            assert only_text(seen)
            assert seen.comments == [" pytest-velo "]
            assert {*seen.cells} <= {5}
            assert seen.tags["details"] == seen.tags["summary"]


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    results = hostile_results(["a"] * 60)
    run = recorded(tmp_path, *(replace(r, node_id=f"test_it.py::test_{i}") for i, r in enumerate(results)))
    assert all(result.outcome is Outcome.REFUTED for result in results)
    for limit in (8_000, 11_000):
        source = markdown_of(run, limit=limit)
        (seen, _) = rendered(source)
        n_rows, n_reasons = len(seen.cells) - 1, seen.tags["h4"]
        assert 0 < n_rows < 60
        assert 0 < n_reasons < 60
        assert f"There was no room for {60 - n_rows} of the hypotheses." in seen.text
        assert f"There was no room for {60 - n_reasons} of the hypotheses." in seen.text
        assert limit * 0.6 < len(source.encode()) <= limit
