"""What two recorded runs have in common and what changed between them, as lines: `velo compare`."""

from __future__ import annotations

from pytest_velo.baselines.paired import Pair, changed
from pytest_velo.baselines.recorded import Compared, RecordedComparison
from pytest_velo.baselines.written import Part
from pytest_velo.claims import rate as share
from pytest_velo.report.comparison import RunComparison, comparison_lines, margin_text, name_of
from pytest_velo.verdicts import Interval


def test_comparison_lines_of_a_rate_that_fell() -> None:
    fell = changed(share, [Pair(0, 1), Pair(1, 1)] * 30, max_units=60)
    told = RecordedComparison(
        node_id="test_a.py::test_b",
        claim="rate >= 0.5",
        model_before="lab/a",
        model_now="lab/b",
        parts=(Compared(part=Part(statistic=share, better=1), arm="", comparison=fell, flips=()),),
    )
    runs = RunComparison(before="run-1", now="run-2", alpha=0.05, hypotheses=(told,))
    assert [line.text for line in comparison_lines(runs, width=90)[3:6]] == [
        "test_a.py::test_b  lab/a -> lab/b",
        "  rate: 1.00 -> 0.50 over 60 pairs; difference -0.50 [-0.70, -0.32] at 95%",
        "  worse: it fell",
    ]


def test_margin_text_tells_what_the_interval_excludes() -> None:
    ends = Interval(low=-0.03, high=0.2, level=0.95)
    assert margin_text(ends, 1, 0.05) == "worse by less than 0.05"
    assert margin_text(ends, -1, 0.05) == "better by less than 0.05"
    assert margin_text(ends, 0, 0.05) == "a change of 0.05 or more is not ruled out"
    assert margin_text(ends, 1, 0.25) == "the change is less than 0.25"
    assert margin_text(Interval(low=-0.6, high=-0.2, level=0.95), 1, 0.1) == "the change is 0.1 or more"


def test_name_of_a_test_on_two_models() -> None:
    assert name_of("test_a.py::test_b", "lab/a", "lab/b") == "test_a.py::test_b  lab/a -> lab/b"


def test_of_very_many_comparisons_those_are_listed_that_moved() -> None:
    def compared(name: str, pairs: list[Pair]) -> RecordedComparison:
        part = Compared(
            part=Part(statistic=share, better=1),
            arm="",
            comparison=changed(share, pairs, max_units=60),
            flips=(),
        )
        return RecordedComparison(
            node_id=f"test_a.py::{name}",
            claim="rate >= 0.5",
            model_before="lab/a",
            model_now="lab/a",
            parts=(part,),
        )

    still = [compared(f"test_still[{at}]", [Pair(1, 1)] * 4) for at in range(200)]
    fell = compared("test_fell", [Pair(0, 1), Pair(1, 1)] * 30)
    runs = RunComparison(before="run-1", now="run-2", alpha=0.05, hypotheses=(*still, fell))
    told = " ".join(line.text for line in comparison_lines(runs, width=90))
    assert "test_fell" in told
    assert "worse: it fell" in told
    assert "test_still" not in told
    assert "not listed: 200 in which no change is shown" in told
    assert "201 comparisons" in told, "the totals are about all"
    few = RunComparison(before="run-1", now="run-2", alpha=0.05, hypotheses=(*still[:5], fell))
    assert "test_still[4]" in " ".join(line.text for line in comparison_lines(few, width=90))
