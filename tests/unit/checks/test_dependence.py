"""Dependent trials: told from their outcomes, and from the conversations that they share."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import strategies

from pytest_velo import difference, estimate, mean, rate
from pytest_velo.case_sets import load
from pytest_velo.checks.check import Seen
from pytest_velo.checks.dependence import CHECK, carried_over, dependence_in
from pytest_velo.checks.ranks import RankEvidence
from pytest_velo.found import Level
from pytest_velo.records import Call, HypothesisResult, Outcome, OutcomeKind, TrialRecord
from pytest_velo.runner.frame import Frame, Over
from pytest_velo.stats.engine.design import Design
from support.asked import call, trial

RATE = (rate >= 0.5).statistic
IN_RUNS = ([1] * 8 + [0] * 8) * 5


def outcomes(values: Iterable[float | None], *, size: int = 1, arm: str = "") -> list[TrialRecord]:
    """Return trials with these outcomes, None for invalid, in units of a size."""
    return [
        replace(
            trial(
                index=index,
                kind=OutcomeKind.INVALID if value is None else OutcomeKind.VALUE,
                values={} if value is None else {"": float(value)},
                arm=arm,
            ),
            unit=index // size,
            unit_size=size,
        )
        for index, value in enumerate(values)
    ]


def paired(first: Sequence[float], second: Sequence[float]) -> list[TrialRecord]:
    return [
        replace(trial(index=2 * unit + at, values={"": float(value)}, arm="ab"[at]), unit=unit, unit_size=2)
        for unit, pair in enumerate(zip(first, second, strict=True))
        for at, value in enumerate(pair)
    ]


def test_outcomes_that_follow_the_one_before_are_found() -> None:
    found = dependence_in(outcomes(IN_RUNS), [RATE])
    assert found is not None
    assert (found.sequence.evidence.n_same, found.sequence.evidence.n_changed) == (70, 9)


def test_independent_ones_are_not() -> None:
    rng = random.Random(3)
    assert dependence_in(outcomes(int(rng.random() < 0.5) for _ in range(2_000)), [RATE]) is None


def test_what_an_early_part_showed_stays_found() -> None:
    rng = random.Random(3)
    later = [int(rng.random() < 0.5) for _ in range(2_000)]
    assert dependence_in(outcomes(IN_RUNS + later), [RATE]) is not None


def test_invalid_trials_are_left_out() -> None:
    gaps = [each for outcome in IN_RUNS for each in (outcome, None)]
    found = dependence_in(outcomes(gaps), [RATE])
    assert found is not None
    assert found.sequence.evidence.n == len(IN_RUNS)


def test_trials_of_one_group_may_follow_each_other() -> None:
    """The unit is the group: what happens inside of it is no dependence, what happens between is."""
    rng = random.Random(5)
    alike = [group for _ in range(40) for group in [int(rng.random() < 0.5)] * 5]
    assert dependence_in(outcomes(alike), [RATE]) is not None
    assert dependence_in(outcomes(alike, size=5), [RATE], single=False, exchangeable=True) is None
    drifting = [each for unit in range(60) for each in [int(unit > 30)] * 5]
    assert dependence_in(outcomes(drifting, size=5), [RATE], single=False, exchangeable=True) is not None


def test_a_unit_that_a_run_left_incomplete_does_not_count() -> None:
    found = dependence_in(outcomes([1, 0] * 40 + [1], size=2), [RATE], single=False)
    assert found is None


def test_scores_are_cut_at_the_median_of_the_first_ones() -> None:
    statistic = (mean(0, 10) >= 5).statistic
    rng = random.Random(5)
    noise = [rng.uniform(0, 4) for _ in range(100)]
    assert dependence_in(outcomes(noise), [statistic]) is None
    found = dependence_in(
        outcomes(each + max(0, index - 40) for index, each in enumerate(noise)), [statistic]
    )
    assert found is not None
    assert found.sequence.evidence.n == 90


def test_scores_that_are_mostly_at_their_best_are_cut_below_it() -> None:
    statistic = (mean(0, 1) >= 0.5).statistic
    assert dependence_in(outcomes([1] * 8 + [0] * 8 + [1] * 8 + IN_RUNS), [statistic]) is not None
    assert dependence_in(outcomes([1, 1, 1, 0] * 3 + IN_RUNS), [statistic]) is not None


@pytest.mark.parametrize("way", [1, -1], ids=["rises", "falls"])
def test_scores_that_only_rise_or_fall_are_found_after_a_few(way: int) -> None:
    """Cut in two at the median of the first ten, a score that rises was always high, as if that were all."""
    claim = mean(0, 100) >= 5
    scores = [50 + way * index for index in range(8)]
    found = dependence_in(outcomes(scores), [claim.statistic])
    assert found is not None
    assert found.by_ranks
    assert dependence_in(outcomes(scores[:6]), [claim.statistic]) is None
    [remark] = CHECK.look(seen(claim, outcomes([*scores, 50])))
    assert CHECK.found(remark).level is Level.ERROR
    told = "rise as the run goes on: of 35 pairs of units that differ, the later one is higher in 28"
    assert (told if way > 0 else told.replace("rise", "fall").replace("higher", "lower")) in remark.message


def test_scores_of_an_arm_that_drift_are_found() -> None:
    statistic = difference("a", "b", of=mean(0, 100))
    rng = random.Random(5)
    noise = [rng.uniform(0, 100) for _ in range(15)]
    found = dependence_in(paired(noise, list(range(15))), [statistic], ("a", "b"))
    assert found is not None
    assert found.sequence.told == "arm 'b'"
    assert dependence_in(paired(noise, noise[::-1]), [statistic], ("a", "b")) is None


def mean_over_orders(scores: Sequence[float], lots: str = "") -> float:
    evidence = []
    for order in permutations(scores):
        found = RankEvidence(lots)
        for score in order:
            found.add(score)
        evidence.append(sum(found._fortunes) / len(found._fortunes))
    return fmean(evidence)


def test_evidence_of_ranks_has_a_mean_of_1_over_all_orders() -> None:
    assert mean_over_orders(range(6)) == pytest.approx(1.0, abs=1e-9)
    assert fmean(mean_over_orders([1, 1, 2, 2], str(lot)) for lot in range(500)) == pytest.approx(
        1.0, abs=0.05
    )


def test_arms_and_the_signs_of_their_difference_are_looked_at() -> None:
    statistic = (difference("a", "b") >= 0).statistic
    rng = random.Random(5)
    fair = [int(rng.random() < 0.5) for _ in IN_RUNS]
    for trials in (paired(IN_RUNS, fair), paired(fair, IN_RUNS)):
        found = dependence_in(trials, [statistic], ("a", "b"))
        assert found is not None
        assert found.sequence.told in ("arm 'a'", "arm 'b'")
    signs = paired(fair, [1 - each if run else each for each, run in zip(fair, IN_RUNS, strict=True)])
    assert dependence_in(signs, [statistic], ("a", "b")) is None  # that they differ is none of the three
    swapped = [(1, 0) if run else (0, 1) for run in IN_RUNS]
    mixed = [pair if rng.random() < 0.8 else (int(rng.random() < 0.5),) * 2 for pair in swapped]
    found = dependence_in(paired(*zip(*mixed, strict=True)), [statistic], ("a", "b"))
    assert found is not None
    assert found.sequence.told == 'the signs of `difference("a", "b")`'


def seen(claim: Any, trials: list[TrialRecord], **given: Any) -> Seen:
    """Return what the check sees of a run."""
    frame = Frame(
        design=Design(alpha=0.05, beta=0.05, max_units=200),
        trials=lambda: iter(()),
        max_trials=200,
        over=given.pop("over", Over.CASES),
    )
    result = HypothesisResult(
        node_id="t", belief="", claim=str(claim), scope="", outcome=Outcome.SUPPORTED, trials=tuple(trials)
    )
    return Seen(claim=claim, frame=frame, result=result, **given)


def test_it_is_an_error_that_says_what_was_counted() -> None:
    [remark] = CHECK.look(seen(rate >= 0.5, outcomes(IN_RUNS)))
    assert CHECK.found(remark).level is Level.ERROR
    assert "70 of 79 are the same as the one before, where about 39 would be" in remark.message
    [remark] = CHECK.look(seen(rate >= 0.5, outcomes([0] * 32 + [1] * 32)))
    assert "0 of the first 32 are 1, and 32 of the 32 that follow" in remark.message


def test_a_body_that_goes_by_its_place_is_told_what_to_go_by() -> None:
    def by_place(trial: Any) -> bool:
        return bool(trial.index % 20 < 10)

    [remark] = CHECK.look(seen(rate >= 0.5, outcomes(IN_RUNS), body=by_place))
    assert CHECK.found(remark).level is Level.ERROR
    assert "cases= or trial.rng" in remark.fix
    [remark] = CHECK.look(seen(rate >= 0.5, outcomes(IN_RUNS), body=test_independent_ones_are_not))
    assert "begin every trial afresh" in remark.fix


def test_outcomes_that_alternate_are_a_warning() -> None:
    [remark] = CHECK.look(seen(rate >= 0.5, outcomes([0, 1] * 40)))
    assert CHECK.found(remark).level is Level.WARNING
    assert "0 of 79 are the same as the one before, where about 39 would be" in remark.message
    assert "trial.rng" in remark.fix


def test_estimates_and_parts_of_a_claim_are_looked_at() -> None:
    assert [*CHECK.look(seen(estimate(rate, halfwidth=0.05), outcomes(IN_RUNS)))]
    both = (rate("kind") >= 0.5) & (rate("brief") <= 0.9)
    trials = [replace(each, values={"kind": each.values[""], "brief": 0.0}) for each in outcomes(IN_RUNS)]
    [remark] = CHECK.look(seen(both, trials))
    assert '`rate("kind")`' in remark.message


def test_a_source_without_an_end_comes_in_its_own_order() -> None:
    endless = load(strategies.integers(), base=Path())
    assert endless.endless
    assert not [*CHECK.look(seen(rate >= 0.5, outcomes(IN_RUNS), cases=endless))]


def said(messages: Sequence[tuple[str, str]], reply: str) -> Call:
    """Return a call that sent a conversation."""
    asked = call(messages[-1][1], reply)
    sent = tuple({"role": role, "content": text} for role, text in messages)
    return replace(asked, request=replace(asked.request, messages=sent))


def shared_chat(n: int) -> list[TrialRecord]:
    """Return trials that go on with one conversation."""
    history: list[tuple[str, str]] = []
    trials = []
    for index in range(n):
        history.append(("user", f"Question {index}"))
        trials.append(trial(said(history, f"Answer {index}"), index=index))
        history.append(("assistant", f"Answer {index}"))
    return trials


def test_a_chat_that_trials_share_is_found() -> None:
    assert carried_over(shared_chat(5)) == {2: 1, 3: 2, 4: 3}
    [remark] = CHECK.look(seen(rate >= 0.5, shared_chat(5)))
    assert remark.message.startswith("3 of 5 trials went on with the conversation of others")
    assert CHECK.found(remark).level is Level.WARNING
    assert "void" not in remark.message, "what passes is not void: it is a warning"
    assert remark.message.endswith("counts trials as independent, and those of one conversation are not")


def test_so_is_one_that_was_asked_before_it_was_answered() -> None:
    history: list[tuple[str, str]] = []
    trials = []
    for index in range(4):
        history.append(("user", f"Question {index}"))
        trials.append(trial(said(history, "Yes."), index=index))
    assert carried_over(trials) == {2: 1, 3: 2}


def test_a_conversation_of_ones_own_is_not() -> None:
    trials = []
    for index in range(6):
        first = [("user", "Hello?")]
        second = [*first, ("assistant", "Hi."), ("user", "How are you?")]
        third = [*second, ("assistant", "Fine."), ("user", "Really?")]
        calls = said(first, "Hi."), said(second, "Fine."), said(third, "Yes.")
        trials.append(trial(*calls, index=index))
    assert carried_over(trials) == {}


def test_neither_are_examples_nor_cases_that_are_beginnings_of_one_text() -> None:
    shots = [
        ("system", "Be brief."),
        ("user", "Case 0"),
        ("assistant", "yes"),
        ("user", "Case 1"),
        ("assistant", "no"),
    ]
    shown = [trial(said([*shots, ("user", f"Case {n}")], "yes"), index=n) for n in range(5)]
    assert carried_over(shown) == {}
    text = [("user", "u0"), ("assistant", "a0"), ("user", "u1"), ("assistant", "a1"), ("user", "u2")]
    cut = [trial(said(text[: 2 * n + 1], f"another answer {n}"), index=n) for n in range(3)]
    assert carried_over(cut) == {}
