"""Claims judged on logs: what is counted, what a verdict withstands, what it is about."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_velo.claims.text import claim_in
from pytest_velo.errors import UsageError
from pytest_velo.logs.arms import read_arms
from pytest_velo.logs.grid import make_grid
from pytest_velo.logs.judging import Options, judge
from pytest_velo.records import HypothesisResult, Outcome, UnitKind
from pytest_velo.runner.frame import Over
from pytest_velo.runner.result import result_of
from pytest_velo.verdicts import StopReason
from support.logs import rows_of, write_rows


def judged(
    folder: Path, claim: str, files: dict[str, list[dict[str, Any]]], *, group: str | None = None, **told: Any
) -> HypothesisResult:
    for name, rows in files.items():
        write_rows(folder / f"{name}.jsonl", rows)
    arms = read_arms([f"{name}.jsonl" for name in files], base=folder)
    return result_of(judge(claim_in(claim), make_grid(arms, group), Options(**told)))


def rows(*outcomes: Any, **fields: Any) -> list[dict[str, Any]]:
    return [{"id": n, "correct": outcome, **fields} for n, outcome in enumerate(outcomes)]


def test_a_whole_log_is_the_evidence_and_its_order_does_not_matter_for_a_rate(tmp_path: Path) -> None:
    log = {"a": rows(*[True] * 70, *[False] * 30)}
    found = [judged(tmp_path, "rate >= 0.6", log, seed=seed) for seed in range(5)]

    assert {result.decision.evidence.n for result in found if result.decision} == {100}
    assert len({result.decision.evidence.p_support for result in found if result.decision}) == 1
    # P(70 ones or more of 100 at a rate of 0.6) is 2.5%: the threshold is calibrated to this one look.
    assert {result.outcome for result in found} == {Outcome.SUPPORTED}
    assert found[0].unit is UnitKind.TRIAL
    assert found[0].scope == "beyond these cases"


def test_epochs_are_draws_of_a_case_and_its_mean_is_the_unit(tmp_path: Path) -> None:
    log = {"a": rows_of([0.8] * 60, Random(1), epochs=4)}
    result = judged(tmp_path, "rate >= 0.6", log)

    assert result.decision is not None
    assert (result.unit, result.decision.evidence.n, len(result.trials)) == (UnitKind.CASE, 60, 240)
    assert {(trial.unit_size, trial.repeat) for trial in result.trials} == {(4, n) for n in range(4)}
    right = sum(row["correct"] for row in log["a"]) / 240
    assert result.decision.evidence.estimate == pytest.approx(right)


def test_epochs_that_agree_count_once(tmp_path: Path) -> None:
    """Four copies of 20 outcomes are 20 outcomes: as 80 they would support the claim."""
    base = rows(*[True] * 15, *[False] * 5)
    copies = [row | {"epoch": epoch} for row in base for epoch in range(4)]
    assert judged(tmp_path, "rate >= 0.6", {"a": copies}).outcome is Outcome.INCONCLUSIVE
    apart = [{"id": n, "correct": row["correct"]} for n, row in enumerate(copies)]
    assert judged(tmp_path, "rate >= 0.6", {"a": apart}).outcome is Outcome.SUPPORTED


def test_groups_are_the_units_where_samples_belong_together(tmp_path: Path) -> None:
    log = [row | {"template": n % 10} for n, row in enumerate(rows(*[True, True, True, False] * 50))]
    result = judged(tmp_path, "rate >= 0.5", {"a": log}, group="template")

    assert result.decision is not None
    assert (result.unit, result.decision.evidence.n) == (UnitKind.GROUP, 10)
    assert result.scope == "beyond these cases (unit: group)"


def test_a_verdict_withstands_whatever_the_invalid_samples_were(tmp_path: Path) -> None:
    outcomes = [True] * 75 + [False] * 25
    broken = [row | ({"error": "429"} if n % 5 == 0 else {}) for n, row in enumerate(rows(*outcomes))]
    whole, bounded = (judged(tmp_path, "rate >= 0.6", {"a": log}) for log in (rows(*outcomes), broken))

    assert whole.outcome is Outcome.SUPPORTED
    assert bounded.outcome is Outcome.INCONCLUSIVE
    assert bounded.decision is not None
    assert bounded.decision.evidence.n_invalid == 20
    assert bounded.decision.evidence.interval is not None
    assert bounded.decision.evidence.interval.low < 0.6 < bounded.decision.evidence.interval.high
    assert "20 of 100 trials are invalid: error in the log: 429" in bounded.notices


def test_a_pair_with_a_missing_side_is_invalid(tmp_path: Path) -> None:
    result = judged(
        tmp_path, 'difference("a", "b") >= 0.1', {"a": rows(*[True] * 40), "b": rows(*[False] * 30)}
    )
    assert result.decision is not None
    assert result.decision.evidence.n == 40
    assert result.decision.evidence.n_invalid == 10
    assert result.outcome is Outcome.SUPPORTED
    assert result.node_id == 'a and b::difference("a", "b") >= 0.1'
    assert result.scope == "beyond these cases, paired on the case"


def test_a_census_is_about_the_recorded_outcomes(tmp_path: Path) -> None:
    log = {"a": rows(*[True] * 61, *[False] * 39)}
    supported = judged(tmp_path, "rate >= 0.61", log, once=True)
    refuted = judged(tmp_path, "rate >= 0.62", log, once=True)

    assert (supported.outcome, refuted.outcome) == (Outcome.SUPPORTED, Outcome.REFUTED)
    assert supported.decision is not None
    assert supported.decision.certified == "rate >= 0.61 of these recorded outcomes"
    open_ = judged(
        tmp_path,
        "rate >= 0.61",
        {"a": [*log["a"][:99], {"id": 99, "error": "429", "correct": None}]},
        once=True,
    )
    assert open_.outcome is Outcome.SUPPORTED  # 61 of 99 are right, whatever the last one was
    assert judged(
        tmp_path, "rate >= 0.61", {"a": [*log["a"][1:], {"id": 0, "error": "429"}]}, once=True
    ).outcome is (Outcome.INCONCLUSIVE)


def test_a_census_counts_every_epoch_for_itself(tmp_path: Path) -> None:
    log = {"a": rows_of([0.5] * 25, Random(3), epochs=4)}
    ones = sum(row["correct"] for row in log["a"])
    result = judged(tmp_path, f"rate >= {ones / 100}", log, once=True)

    assert result.outcome is Outcome.SUPPORTED
    assert result.scope == "these 100 recorded outcomes"


def test_picks_with_replacement_take_a_draw_each_and_run_out(tmp_path: Path) -> None:
    log = {"a": rows_of([0.5] * 30, Random(3), epochs=2)}
    result = judged(tmp_path, "rate >= 0.48", log, over=Over.CASES)

    assert result.scope == "over these 30 cases"
    picks = [(trial.case_id, trial.repeat) for trial in result.trials]
    assert len(set(picks)) == len(picks)
    exhausted = [trial for trial in result.trials if trial.repeat >= 2]
    assert all("more often than the log has draws" in trial.detail for trial in exhausted)


def test_an_undecided_log_has_no_more_samples(tmp_path: Path) -> None:
    result = judged(tmp_path, "rate >= 0.5", {"a": rows(*[True, False] * 20)})
    assert result.decision is not None
    assert (result.outcome, result.decision.stop) == (Outcome.INCONCLUSIVE, StopReason.CASES_EXHAUSTED)


def test_an_estimate_uses_every_sample(tmp_path: Path) -> None:
    result = judged(tmp_path, "estimate(rate)", {"a": rows(*[True] * 30, *[False] * 20)})
    assert result.outcome is Outcome.MEASURED
    assert result.decision is not None
    assert result.decision.evidence.interval is not None
    assert result.decision.evidence.interval.low < 0.6 < result.decision.evidence.interval.high


def test_scores_are_judged_by_their_mean_and_named_ones_by_name(tmp_path: Path) -> None:
    log = [{"id": n, "quality": 7 + n % 3, "safe": True, "note": "x"} for n in range(60)]
    assert judged(tmp_path, 'mean(0, 10, "quality") >= 7', {"a": log}).outcome is Outcome.SUPPORTED
    joint = judged(tmp_path, '(mean(0, 10, "quality") >= 7) & (rate("safe") >= 0.8)', {"a": log})
    assert joint.outcome is Outcome.SUPPORTED
    assert joint.trials[0].values.keys() == {"quality", "safe"}


@pytest.mark.parametrize(
    ("claim", "told", "what", "fix"),
    [
        ("rate >= 0.5", {}, "2 scores", "--score=quality"),
        ("rate >= 0.5", {"score": "qualiti"}, "no score 'qualiti'", "did you mean 'quality'"),
        ('rate("quality") >= 0.5', {}, "a rate is about 0 and 1", 'mean(0, 7, "quality")'),
        ('mean(0, 5, "quality") >= 3', {}, "outside 0 to 5", "range"),
        ('difference("a", "c") >= 0.1', {}, "no log 'c'", "known: a"),
        ("rate >= baseline", {"score": "safe"}, "no baseline", "difference"),
        ('mean(0, 10, "quality") >= 5', {"once": True}, "--once counts the ones", "rate"),
        ('rate("safe") >= 0.5', {"once": True, "over": Over.CASES}, "--over=cases", "drop one"),
    ],
)
def test_a_claim_that_does_not_fit_the_log_says_how(
    tmp_path: Path, claim: str, told: dict[str, Any], what: str, fix: str
) -> None:
    log = [{"id": n, "quality": 7 + n % 3, "safe": True} for n in range(6)]
    with pytest.raises(UsageError) as error:
        judged(tmp_path, claim, {"a": log}, **told)
    assert what in error.value.what
    assert fix in error.value.fix
    assert error.value.where
