"""A session of very many hypotheses: what the terminal lists can be read, and the rest is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_velo.records import Family, HypothesisResult, Outcome
from pytest_velo.report.families import family_lines
from pytest_velo.report.folding import MOST_LISTED, listed
from pytest_velo.report.summary import short_names, summary_lines
from pytest_velo.report.table import table_lines
from support.reports import refuted, undecided


def many(n: int, outcome: Outcome = Outcome.SUPPORTED) -> list[HypothesisResult]:
    return [refuted(node_id=f"test_a.py::test_b[{place}]", outcome=outcome) for place in range(n)]


def text_of(results: list[HypothesisResult], verbosity: int = 0) -> str:
    return "\n".join(line.text for line in summary_lines(results, wall_s=1.0, verbosity=verbosity))


def test_as_many_as_can_be_read_are_all_listed() -> None:
    results = many(MOST_LISTED)
    told = text_of(results)
    assert all(name in told for name in short_names(results))
    assert "not listed" not in told


@pytest.mark.parametrize("verbosity", [-1, 0])
def test_of_more_those_are_listed_that_are_not_fine(verbosity: int) -> None:
    wrong = refuted(node_id="test_a.py::test_wrong")
    open_one = undecided()
    told = text_of([*many(5_000), wrong, open_one], verbosity)
    assert "test_wrong" in told
    assert "test_c" in told
    assert "test_b[17]" not in told
    assert "not listed: 5,000 supported (velo show lists all, -v prints all)" in " ".join(told.split())
    assert "5,002 hypotheses" in told
    assert told.count("\n") < 40


def test_asked_for_every_line_it_prints_every_line() -> None:
    told = text_of(many(150), verbosity=1)
    assert "test_b[149]" in told
    assert "not listed" not in told


def test_where_all_is_wrong_the_first_are_listed_and_the_others_counted() -> None:
    told = text_of([*many(3_000, Outcome.REFUTED), *([undecided()] * 50)])
    assert "test_b[0]" in told
    assert f"test_b[{MOST_LISTED}]" not in told
    assert f"{3_000 - MOST_LISTED:,} refuted, 50 inconclusive" in " ".join(told.split())
    assert told.count("\n") < 5 * MOST_LISTED


@pytest.mark.parametrize("n", [3, MOST_LISTED, MOST_LISTED + 1, 1_000])
def test_what_is_listed_and_what_is_left_out_are_all(n: int) -> None:
    results = [*many(n - 2), refuted(), undecided()]
    shown = listed(results, short_names(results), everything=False)
    assert len(shown.results) == len(shown.names)
    assert len(shown.results) + shown.left_out.total() == n


def test_a_large_family_shows_first_what_the_steps_decided() -> None:
    family = Family(name="f", size=500, alpha=0.05, beta=0.05, p_support=1.0, p_refute=0.5)
    members = [replace(one, family=family) for one in many(499)]
    members.append(
        refuted(node_id="test_a.py::test_by_steps", family=replace(family, by_steps=True, p_refute=0.04))
    )
    told = [line.text for line in family_lines(members, 80, everything=False)]
    assert len(told) < 100
    assert any("test_by_steps" in line for line in told)
    assert any("and 480 more members" in line for line in told)
    assert len(family_lines(members, 80)) > 1_000


def test_a_table_goes_through_its_hypotheses_as_often_for_many_as_for_few() -> None:
    class Counted(list[HypothesisResult]):
        n_passes = 0

        def __iter__(self) -> Iterator[HypothesisResult]:
            self.n_passes += 1
            return super().__iter__()

    few, more = Counted(many(5)), Counted(many(50))
    for results in (few, more):
        assert len(table_lines(results, short_names([*results]), 200)) == len(results) + 1
    assert few.n_passes == more.n_passes
