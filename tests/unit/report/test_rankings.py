"""What is said of a ranking."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.document import compact, from_compact
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import as_text
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
