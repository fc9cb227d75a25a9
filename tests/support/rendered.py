"""Markdown as sites show it: read by GitHub's own renderer, and by one that makes a link of every address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

SKELETON = frozenset(
    [
        *("h2", "h3", "h4", "p", "table", "thead", "tbody", "tr", "th", "td"),
        *("br", "strong", "em", "ul", "li", "code", "pre", "details", "summary"),
    ]
)
"""The elements that our own Markdown makes."""

# What GitHub or GitLab make of a text that is no code: names, issues, merge requests, snippets, milestones,
# labels, smileys, addresses, formulas.
_MEANT = re.compile(r"@\w|#\d|!\d|\$|%[\w\"]|~\w|&\d|:\w+:|\w@\w|https?:|www\.|\w\.(?:com|org)\b|\bGH-\d")
_VOID = ("br",)


@dataclass
class Rendered(HTMLParser):
    """What a reader sees.

    Attributes:
        tags: How many there are of each element.
        attributes: All but the language of a block of code.
        text: All of it.
        plain: What stands outside of code.
        code: What stands in it.
        cells: Cells of each row.
    """

    tags: Counter[str] = field(default_factory=Counter)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    text: str = ""
    plain: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [
            pair for pair in attrs if not (pair[0] in ("class", "lang") and tag in ("code", "pre"))
        ]
        if tag == "tr":
            self.cells.append(0)
        if tag in ("td", "th"):
            self.cells[-1] += 1
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        (self.code if {"code", "pre"} & {*self._open} else self.plain).append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def meant(self) -> list[str]:
        """Return what a site would make more of than text."""
        return [found[0] for text in self.plain for found in _MEANT.finditer(text)]


def renderers() -> dict[str, Callable[[str], str]]:
    """Return the renderers by name."""
    cmarkgfm = pytest.importorskip("cmarkgfm", reason="pip install 'pytest-velo[dev]'")
    markdown_it = pytest.importorskip("markdown_it", reason="pip install 'pytest-velo[dev]'")
    pytest.importorskip("linkify_it", reason="pip install 'pytest-velo[dev]'")
    unsafe = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE  # as much as they make of it, before they clean it
    extensions = ["table", "autolink", "strikethrough", "tasklist"]
    linking = markdown_it.MarkdownIt("gfm-like", {"html": True})
    return {
        "GitHub's": lambda text: cmarkgfm.cmark.markdown_to_html_with_extensions(text, unsafe, extensions),
        "one that links": linking.render,
    }


def rendered(text: str) -> Iterator[Rendered]:
    """Yield what each renderer makes of Markdown."""
    for render in renderers().values():
        seen = Rendered()
        seen.feed(render(text))
        seen.close()
        yield seen


def squeezed(text: str) -> str:
    """Return a text without white space, which Markdown does not keep."""
    return "".join(text.split())
