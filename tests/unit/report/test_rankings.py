"""What is said of a ranking."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.document import compact, from_compact
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import as_text
from pytest_velo.report.phrases import observed
from pytest_velo.report.summary import summary_lines
from pytest_velo.verdicts import Decision, Evidence, Interval, RankedArm, Standings, StopReason, Verdict

ARMS = (
    RankedArm(
        name="a/good",
        low=1,
        high=1,
        may_win=True,
        n=40,
        estimate=0.9,
        interval=Interval(low=0.7, high=1.0, level=0.95),
    ),
    RankedArm(name="b/\x1b[31mred", low=2, high=3, may_win=False, n=12, n_invalid=3, estimate=0.4),
)


def result(claim: str = "ranking()", arms: tuple[RankedArm, ...] = ARMS) -> HypothesisResult:
    evidence = Evidence(n=40, n_for=52, n_against=0, n_invalid=3, rule="ville")
    decision = Decision(
        verdict=Verdict.SUPPORTED,
        stop=StopReason.DECIDED,
        certified="a/good has the highest rate",
        evidence=evidence,
        standings=Standings(top=1, winners=("a/good",), arms=arms),
    )
    return HypothesisResult(
        node_id="test_it.py::test_it",
        belief="who",
        claim=claim,
        scope="over these 2 cases",
        outcome=Outcome.SUPPORTED,
        decision=decision,
        usd_by_arm={"a/good": 0.5, "b/\x1b[31mred": None},
    )


def told(of: HypothesisResult, width: int = 100) -> str:
    return as_text(failure_lines(of, 0, width=width))


def test_the_table_has_each_arm_and_unknown_is_not_zero() -> None:
    text = told(result())
    assert "another one is the best at most 5% of the time" in text
    assert "1       a/good" in text
    assert "12" not in text.split("15 (3 invalid)")[0].rsplit("\n", 1)[-1]
    assert "$?" in text
    assert "\x1b" not in text


def test_nothing_observed_is_no_race() -> None:
    nobody = tuple(replace(arm, may_win=True, n=0, n_invalid=2, estimate=None) for arm in ARMS)
    standings = Standings(top=1, winners=(), arms=nobody)
    open_, seen = (replace(result().decision, standings=each) for each in (standings, None))
    assert observed(replace(result(), decision=open_)) == "?"
    some = replace(standings, arms=(replace(nobody[0], n=1, estimate=1.0), nobody[1]))
    assert observed(replace(result(), decision=replace(seen, standings=some))) == "2 of 2 may win"


def test_how_to_read_a_table_is_said_once_in_a_summary() -> None:
    results = [replace(result(), node_id=f"test_it.py::test_{name}") for name in "abc"]
    results.append(replace(result("ranking(lowest=True)"), node_id="test_it.py::test_low"))
    text = as_text(summary_lines(results, wall_s=1.0, width=100))
    assert text.count("may be the best") == 4
    assert text.count("hold together with 95%") == 1
    assert text.index("hold together with 95%") > text.index("test_low", text.index("test_c\n"))
    assert text.count("is biased upward") == 1
    assert text.count("is biased downward") == 1


def test_a_winner_by_a_low_rate_is_biased_downward() -> None:
    assert "biased upward" in told(result())
    assert "biased downward" in told(result("ranking(lowest=True)"))
    assert "observed rate of a winner" in told(result())
    assert "observed mean of a winner" in told(result("ranking(mean(0, 1))"))


def test_a_winner_within_a_margin_is_not_said_to_be_the_best() -> None:
    other = replace(ARMS[1], may_win=True)
    assert "good enough" in told(result(arms=(ARMS[0], other)))
    assert "good enough" not in told(result())


def test_it_is_read_back_as_it_was_written() -> None:
    assert from_compact(compact(result(), 0)) == result()
