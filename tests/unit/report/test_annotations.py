"""Annotations of GitHub Actions: what its runner reads of them is what was meant, whatever the texts are."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_velo.records import Outcome
from pytest_velo.report.annotations import MOST, Annotation, Kind, annotation_lines, annotation_of
from support.reports import refuted, undecided


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Read a command as GitHub's runner does."""
    _, head, text = line.split("::", 2)
    name, _, rest = head.partition(" ")
    pairs = dict(pair.split("=", 1) for pair in rest.split(",") if pair)
    return name, {key: unescaped(value) for key, value in pairs.items()}, unescaped(text)


def unescaped(text: str) -> str:
    marks = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
    return re.sub("%0D|%0A|%3A|%2C|%25", lambda found: marks[found[0]], text)


def test_a_refuted_hypothesis_is_an_error_at_its_line() -> None:
    found = annotation_of(refuted(), "tests/test_a.py", 12)
    assert found is not None
    (line,) = annotation_lines([found])
    name, where, text = read(line)
    assert name == "error"
    assert where == {"file": "tests/test_a.py", "line": "12", "title": "refuted: Replies greet. (lab/tiny)"}
    assert text.startswith("refuted: rate < 0.7 (a true claim is refuted at most 5% of the time)\n")
    assert text.endswith("\nrun it again: pytest test_a.py::test_b --velo-seed=0")


def test_which_outcomes_are_worth_an_annotation() -> None:
    kinds = {
        outcome: found and found.kind
        for outcome in Outcome
        for found in [annotation_of(refuted(outcome=outcome), "a.py", 1)]
    }
    assert kinds == {
        Outcome.REFUTED: Kind.ERROR,
        Outcome.ERROR: Kind.ERROR,
        Outcome.INCONCLUSIVE: Kind.WARNING,
        Outcome.SUPPORTED: None,
        Outcome.MEASURED: None,
        Outcome.SKIPPED: None,
    }


def test_of_more_than_github_shows_the_last_says_how_many() -> None:
    errors = [annotation_of(refuted(), "a.py", line) for line in range(1, MOST + 4)]
    warning = annotation_of(undecided(), "a.py", 99)
    lines = [*annotation_lines([warning, *errors])]
    assert [read(line)[0] for line in lines] == ["error"] * MOST + ["warning"]
    assert read(lines[MOST - 1])[1] == {"title": "4 more errors"}
    assert len([*annotation_lines(errors[:MOST])]) == MOST


HOSTILE = st.lists(
    st.sampled_from(
        ["::", "%", "%0A", "%25", "\n", "\r", ",", ":", "=", " ", "##[error]", "a", "é", "\x1b[31m"]
    ),
    max_size=12,
).map("".join)


@given(HOSTILE, HOSTILE, st.text(st.characters(codec="utf-8"), max_size=40))
@settings(max_examples=50, deadline=None)
@example("a,line=7::b", "x\n::error::y", "50% off")
def test_no_text_is_more_than_a_text(file: str, title: str, text: str) -> None:
    one = Annotation(kind=Kind.ERROR, title=title, text=text, file=f"t/{file}", line=3)
    (line,) = annotation_lines([one])
    assert not {"\n", "\r"} & {*line}
    assert "\x1b" not in line or "\x1b" in file
    assert "##[" not in line or "##[" in file  # a file's name cannot be changed, and stands behind `::error`
    name, where, told = read(line)
    assert name == "error"
    assert {*where} == {"file", "line", "title"}
    assert where["line"] == "3"
    assert text.isprintable() is False or told.replace("\\::", "::") == text.replace("\\::", "::")
