"""What is said of stubs, from results alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.bodies.instruments import changes_between
from pytest_velo.found import Found, Level
from pytest_velo.records import HypothesisResult, Outcome, Stubbed
from pytest_velo.report.annotations import Kind, annotation_of_stubs
from pytest_velo.report.markdown.around import Around
from pytest_velo.report.markdown.banner import banner
from pytest_velo.report.stubs import declared_lines, outcome_word, refusal, stubbed_text, stubs_of
from pytest_velo.report.summary import outcome_counts
from pytest_velo.report.table import table_lines
from support.reports import refuted

JUDGE = Stubbed(what="judge", why="no rubric yet", where="test_x.py:7")
MODEL = Stubbed(what="model", why="no key yet", where="test_x.py:6")
REAL = HypothesisResult(
    node_id="test_x.py::test_x", belief="x", claim="rate >= 0.5", scope="", outcome=Outcome.SUPPORTED
)
MADE_UP = replace(REAL, stubs=(MODEL, JUDGE))


def test_a_verdict_is_one_word_and_what_was_stubbed():
    assert outcome_word(REAL) == "supported"
    assert outcome_word(MADE_UP) == "supported (model and judge stubbed)"
    assert (
        stubbed_text([MODEL, JUDGE, JUDGE, replace(JUDGE, what="cases")]) == "model, judge and cases stubbed"
    )


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.SKIPPED])
def test_what_is_no_verdict_rests_on_nothing(outcome):
    result = replace(MADE_UP, outcome=outcome)
    assert stubs_of(result) == ()
    assert outcome_word(result) == outcome
    assert refusal(result) == ""


def test_a_refusal_says_what_why_where_and_the_fix():
    said = refusal(MADE_UP, "--velo-profile=confirm")
    assert said.startswith("--velo-profile=confirm takes no verdict that rests on 2 stubs: ")
    assert "judge: no rubric yet (test_x.py:7)" in said
    assert "\n  fix: put the real thing in its place" in said


def test_under_strict_a_stub_is_an_error_at_its_tests_line():
    found = annotation_of_stubs(MADE_UP, "test_x.py", 3)
    assert found is not None
    assert (found.kind, found.line) == (Kind.ERROR, 3)
    assert found.title == "supported (model and judge stubbed): x"
    assert annotation_of_stubs(REAL, "test_x.py", 3) is None


def test_counts_say_how_many_rest_on_a_stub():
    results = [REAL, MADE_UP, replace(REAL, outcome=Outcome.REFUTED)]
    assert outcome_counts(results) == ["3 hypotheses", "2 supported (1 stubbed)", "1 refuted"]
    assert banner(results, Around()) == "✗ 1 of 3 hypotheses refuted, 2 supported (1 stubbed)"


def test_a_comparison_names_what_is_no_longer_stubbed():
    assert changes_between(MADE_UP, REAL) == (
        "what is stubbed (model: no key yet, judge: no rubric yet -> nothing)",
    )
    assert changes_between(MADE_UP, replace(MADE_UP, stubs=(replace(MODEL, where="moved.py:1"), JUDGE))) == ()


def test_a_stub_of_many_tests_is_listed_once():
    assert [*declared_lines([("test_a", [JUDGE]), ("test_b", [JUDGE, MODEL])])] == [
        "judge (no rubric yet) in test_a and 1 more test, test_x.py:7",
        "model (no key yet) in test_b, test_x.py:6",
    ]


def test_hostile_reasons_are_shown_as_text():
    hostile = replace(JUDGE, what="\x1b[31m\n::error::", why="\x1b[2J\n::warning::")
    for text in (outcome_word(replace(REAL, stubs=(hostile,))), refusal(replace(REAL, stubs=(hostile,)))):
        assert "\x1b" not in text
        assert "\n::" not in text


@pytest.mark.parametrize(
    ("level", "silenced", "word"),
    [
        (Level.ERROR, "", "supported (fails F19)"),
        (Level.WARNING, "", "supported"),
        (Level.ERROR, "on purpose", "supported"),
    ],
)
def test_a_verdict_that_a_check_voids_says_so_wherever_it_stands(level, silenced, word) -> None:
    found = Found(code="F19", name="dependent trials", level=level, message="they are", silenced=silenced)
    result = refuted(outcome=Outcome.SUPPORTED, found=(found, found))
    assert outcome_word(result) == word
    assert table_lines([result], ["test_b"], 120)[-1].text.startswith(f"✓ {word}  ")
