"""A finding in somebody else's page: it says what was found, and whatever a model said in it is text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.claims import AnyClaim, difference, estimate, rate
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.page.drawing import HEIGHT, WIDTH, drawings_of
from pytest_velo.report.page.finding import finding_html, sweep_html
from pytest_velo.report.page.path import path_of
from pytest_velo.report.text import visible
from pytest_velo.runner.result import result_of
from support.pages import HOSTILE_TEXTS, hostile
from support.runs import sampled

_TAGS = {
    *re.findall(
        r"\S+",
        """
    article br code dd details div dl dt h3 line circle p polygon polyline pre span strong style
    summary svg table tbody td text th thead title tr wbr
    """,
    )
}
_ATTRIBUTES = {
    *re.findall(
        r"\S+",
        """
    aria-hidden aria-label class cx cy dir fill fill-opacity height lang points r role scope stroke
    stroke-dasharray stroke-opacity stroke-width text-anchor viewbox width x x1 x2 y y1 y2
    """,
    )
}


class Seen(HTMLParser):
    """What a browser makes of a fragment: tags, attributes and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")
        if tag not in ("br", "wbr", "line", "circle", "polygon", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def shown(result: HypothesisResult) -> Seen:
    return Seen(finding_html(result, path_of(result, intervals=4), "2026-11-29T00-00-00Z"))


def test_what_a_model_said_is_text_and_runs_nothing(tmp_path: Path) -> None:
    run = hostile(tmp_path)
    whole = [replace(each._result, trials=each.trials) for each in run.results]
    fragments = [finding_html(result, None, HOSTILE_TEXTS[0]) for result in whole]
    rows = [([text], result) for text, result in zip(HOSTILE_TEXTS, whole, strict=False)]
    fragments.append(sweep_html("rate >= 0.7", HOSTILE_TEXTS[:1], rows, HOSTILE_TEXTS[0], "run"))
    for html in fragments:
        seen = Seen(html)
        assert seen.tags <= _TAGS
        assert set(seen.attributes) <= _ATTRIBUTES
        assert not seen.open, "every tag is closed"
        assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in html)
        assert not any(sign in html for sign in "\x1b\u202e\u2066\u200b\ud800")
        assert seen.attributes["class"] <= _OUR_CLASSES, "no text of a model is in an attribute"
    for text, html in zip(HOSTILE_TEXTS, fragments, strict=False):
        assert visible(text)[:20] in Seen(html).text, "and it is there to be read"


_OUR_CLASSES = {
    "velo",
    "headline",
    "quiet",
    "facts",
    "trial",
    "role",
    "number",
    "plot",
    "part",
    "scale",
    "nowrap",
    "bar",
    "axis",
    "zero",
    "ends",
    "threshold",
    "seen",
    "message role-outcome",
    "message role-other",
    *(
        f"message role-{name}"
        for name in ("system", "user", "assistant", "reasoning", "tool", "tool-call", "note")
    ),
    *(f"tag tone-{outcome}" for outcome in Outcome),
}


def test_it_says_verdict_rate_interval_n_and_cost() -> None:
    text = " ".join(shown(result_of(sampled(rate >= 0.2, [1.0, 0.0, 1.0] * 8))).text.split())
    for said in (
        "✓ supported",
        "rate >= 0.2",
        "90% interval [0.",
        "of at most",
        "$0.00",
        "Trials at random (3 of",
    ):
        assert said in text


def test_trials_against_the_claim_are_there_beside_random_ones() -> None:
    text = shown(result_of(sampled(rate >= 0.9, [1.0, 0.0, 1.0] * 8))).text
    assert "✗ refuted" in text
    assert "Trials against the claim" in text
    assert "Trials at random" in text


@pytest.mark.parametrize(
    ("claim", "outcomes", "fields", "n_drawn"),
    [
        (rate >= 0.2, [1.0, 0.0, 1.0] * 8, {}, 1),
        (rate.within(0.1, 0.9), [1.0, 0.0, 1.0] * 8, {}, 1),
        (difference("a", "b") >= 0.1, [1.0, 0.0] * 20, {"arms": ("a", "b")}, 1),
        ((rate("x") >= 0.2) & (rate("y") >= 0.2), [{"x": 1.0, "y": 0.0}] * 9, {}, 2),
        (estimate(rate, halfwidth=0.3), [1.0, 0.0, 1.0] * 8, {}, 1),
        (rate >= 0.2, [1.0], {}, 0),
    ],
    ids=str,
)
def test_each_statistic_is_drawn_within_its_frame(
    claim: AnyClaim, outcomes: Any, fields: dict[str, Any], n_drawn: int
) -> None:
    result = result_of(sampled(claim, outcomes, **fields))
    drawn = drawings_of(result, path_of(result, intervals=5))
    assert len(drawn) == n_drawn
    for it in drawn:
        points = [tuple(map(float, point.split(","))) for point in (*it.line.split(), *it.band.split())]
        assert it.band
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
        assert all(0 <= height <= HEIGHT for height, _ in it.thresholds)
