"""What a rescoring shows: within its columns, hostile texts made harmless, the numbers then and now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, TrialRecord
from pytest_velo.report.lines import as_text
from pytest_velo.report.rescored import Rescored, Rescoring, Source, rescored_fact, rescored_lines
from pytest_velo.report.text import columns
from pytest_velo.runner.flips import flips_between
from pytest_velo.verdicts import Decision, Evidence, Interval, StopReason, Verdict

HOSTILE = "\x1b[31mred\x1b[0m\r\u202eevil " + "long " * 30


def result(outcome: Outcome, verdict: Verdict, n_ones: int, **fields) -> HypothesisResult:
    evidence = Evidence(
        n=10,
        n_for=n_ones,
        n_against=10 - n_ones,
        n_invalid=0,
        n_ones=n_ones,
        estimate=n_ones / 10,
        log_e_support=1.0,
        log_e_refute=1.0,
        p_support=0.1,
        p_refute=0.1,
        interval=Interval(low=0.2, high=0.9, level=0.9),
        wilson=None,
        clopper_pearson=None,
        rule="calibrated",
    )
    decision = Decision(
        verdict=verdict,
        stop=StopReason.RECORD_ENDS,
        certified="rate > 0.5",
        evidence=evidence,
        n_unused=0,
        n_saved=0,
    )
    return HypothesisResult(
        **{
            "node_id": "test_a.py::test_b",
            "belief": "b",
            "claim": "rate >= 0.5",
            "scope": "this body as it stands",
            "outcome": outcome,
            "model": "lab/tiny",
            "decision": decision,
        }
        | fields
    )


def trials(*outcomes: float, detail: str = "") -> tuple[TrialRecord, ...]:
    return tuple(
        TrialRecord(
            index=index,
            case_id=HOSTILE,
            repeat=0,
            seed=1,
            kind=OutcomeKind.ONE if outcome else OutcomeKind.ZERO,
            values={"": outcome},
            detail=detail,
        )
        for index, outcome in enumerate(outcomes)
    )


def rescoring(now: HypothesisResult, **fields) -> Rescoring:
    before = result(Outcome.SUPPORTED, Verdict.SUPPORTED, 10)
    old, new = trials(*[1.0] * 10), trials(*[0.0] * 4, *[1.0] * 6, detail=HOSTILE)
    source = Source(run_id="then", result=before, trials=old)
    scored = Rescored(source=source, result=now, flips=flips_between(old, new))
    return Rescoring(**{"before": "then", "now": "today", "hypotheses": (scored,), "left": ()} | fields)


def test_both_verdicts_and_what_changed_are_told() -> None:
    now = result(Outcome.INCONCLUSIVE, Verdict.INCONCLUSIVE, 6)
    told = as_text(rescored_lines(rescoring(now), 1, width=140))
    numbers = "observed 1.00 (10/10), 90% interval [0.20, 0.90], 10 of at most 200"
    assert f"before     supported: rate > 0.5; {numbers}" in told
    assert "now        inconclusive: the recorded trials were used up; observed 0.60 (6/10)" in told
    assert "outcomes   4 of 10 trials changed; 4 from 1 to 0, 0 from 0 to 1" in told
    assert "(first 1 of 4; --velo-show=4 shows all)" in told
    assert (
        "1 hypothesis rescored on 10 recorded trials: 4 outcomes and 1 verdict changed, 0 model calls" in told
    )


def test_an_error_says_what_it_was_and_calls_are_counted() -> None:
    now = replace(result(Outcome.ERROR, Verdict.INCONCLUSIVE, 6), problem="it broke", n_calls=9, n_cached=2)
    told = as_text(rescored_lines(rescoring(now), 0, width=120))
    assert "now        error: it broke" in told
    assert told.endswith("7 model calls")
    assert "trials whose outcome changed" not in told


@pytest.mark.parametrize(
    ("n", "told"), [(0, "no recorded trial was scored"), (3, "2 of the 3 trials that were scored changed")]
)
def test_a_rescoring_that_broke_off_says_how_far_it_came(n, told) -> None:
    whole = rescoring(result(Outcome.ERROR, Verdict.INCONCLUSIVE, 6, problem="it broke"))
    (scored,) = whole.hypotheses
    flips = flips_between(scored.source.trials, trials(0.0, 0.0, 1.0)[:n])
    lines = rescored_lines(replace(whole, hypotheses=(replace(scored, flips=flips),)), 0)
    assert f"outcomes   {told}" in as_text(lines)


def test_tests_that_did_not_run_are_named() -> None:
    now = result(Outcome.SUPPORTED, Verdict.SUPPORTED, 6)
    told = as_text(rescored_lines(rescoring(now, left=("test_a.py::test_gone",)), 0))
    assert "recorded, and not run this time\n  test_a.py::test_gone" in told


def test_only_exploratory_notices_are_repeated() -> None:
    now = result(Outcome.SUPPORTED, Verdict.SUPPORTED, 6, notices=("exploratory: it changed", "throttled"))
    told = as_text(rescored_lines(rescoring(now), 0))
    assert "exploratory: it changed" in told
    assert "throttled" not in told


@pytest.mark.parametrize("width", [40, 80])
def test_hostile_texts_are_harmless_and_fit(width: int) -> None:
    now = result(Outcome.ERROR, Verdict.INCONCLUSIVE, 6, problem=HOSTILE, model=HOSTILE, node_id=HOSTILE)
    lines = rescored_lines(rescoring(now, left=(HOSTILE,), before=HOSTILE), 5, width=width)
    assert max(columns(line.text) for line in lines) <= width
    assert not {"\x1b", "\r", "\u202e", "\n"} & set("".join(line.text for line in lines))


def test_the_fact_names_the_run() -> None:
    assert rescored_fact("2026-11-23T21-46-08Z") == "rescored from 2026-11-23T21-46-08Z"
