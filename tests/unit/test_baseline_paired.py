"""Samples paired on the case: numbers by hand, invalid sides, units, and the runner's own difference."""

from __future__ import annotations

import asyncio
import random
from itertools import takewhile
from pathlib import Path

import pytest

from pytest_velo import baseline, difference, mean, rate
from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.baselines.paired import Pair, changed, compare, drift, paired
from pytest_velo.case_sets import load, pick_order, with_arms
from pytest_velo.errors import InvalidTrial, UsageError
from pytest_velo.runner.result import result_of
from pytest_velo.verdicts import StopReason, Verdict


def test_numbers_by_hand() -> None:
    pairs = [Pair(1, 0), Pair(1, 1), Pair(0, 1), Pair(1, 0), Pair(None, 1), Pair(1, 0)]
    found = changed(rate, pairs, max_units=50)
    assert (found.n_pairs, found.n_units, found.n_invalid) == (6, 6, 1)
    assert (found.n_up, found.n_down) == (3, 1)
    assert (found.mean_now, found.mean_before) == (4 / 5, 2 / 5)
    assert found.difference == pytest.approx(2 / 5)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.interval is not None
    assert found.interval.low < 0 < found.interval.high
    assert found.interval.level == pytest.approx(0.95)


def test_without_pairs_nothing_is_known() -> None:
    found = changed(rate, [], max_units=50)
    assert (found.n_pairs, found.verdict, found.interval) == (0, Verdict.INCONCLUSIVE, None)
    assert (found.mean_now, found.mean_before, found.difference) == (None, None, None)


@pytest.mark.parametrize(("sign", "verdict"), [(1, Verdict.SUPPORTED), (-1, Verdict.REFUTED)])
def test_a_change_is_found_either_way_and_the_interval_agrees(sign: int, verdict: Verdict) -> None:
    moved = Pair(1, 0) if sign > 0 else Pair(0, 1)
    for n in range(1, 14):
        found = changed(rate, [moved] * n, max_units=100)
        assert found.interval is not None
        nearer = found.interval.low if sign > 0 else -found.interval.high
        assert (found.verdict is verdict) == (nearer >= 0)
    assert found.verdict is verdict
    assert found.certified == f"rate {'>' if sign > 0 else '<'} baseline"


def test_equal_pairs_say_nothing_of_a_direction() -> None:
    found = changed(rate, [Pair(1, 1), Pair(0, 0)] * 40, max_units=100)
    assert (found.verdict, found.n_up, found.n_down, found.difference) == (Verdict.INCONCLUSIVE, 0, 0, 0)
    assert found.interval is not None
    assert -0.2 < found.interval.low < 0 < found.interval.high < 0.2


def test_a_verdict_on_the_way_stays_and_later_pairs_tighten_the_interval() -> None:
    early = changed(rate, [Pair(0, 1)] * 12, max_units=200)
    late = changed(rate, [Pair(0, 1)] * 12 + [Pair(0, 1), Pair(1, 1)] * 50, max_units=200)
    assert early.verdict is late.verdict is Verdict.REFUTED
    assert early.interval is not None
    assert late.interval is not None
    assert late.interval.high - late.interval.low < early.interval.high - early.interval.low
    assert (late.n_pairs, late.n_down) == (112, 62)


def test_pairs_beyond_the_horizon_are_left_out() -> None:
    found = changed(rate, [Pair(1, 1)] * 10 + [Pair(0, 1)] * 50, max_units=10)
    assert (found.n_pairs, found.n_down) == (10, 0)


def test_an_invalid_side_is_bounded_by_the_worst_it_could_have_been() -> None:
    clear = [Pair(0, 1)] * 12
    assert changed(rate, clear, max_units=100).verdict is Verdict.REFUTED
    assert changed(rate, [Pair(None, 1)] * 12, max_units=100).verdict is Verdict.INCONCLUSIVE
    assert changed(rate, [Pair(0, None)] * 12 + clear, max_units=100).verdict is Verdict.REFUTED
    assert changed(rate, [Pair(None, None)] * 12 + clear, max_units=100).verdict is Verdict.INCONCLUSIVE


def test_a_margin_is_a_test_of_its_own() -> None:
    claim = rate >= baseline - 0.1
    pairs = [Pair(1, 1)] * 90 + [Pair(0, 1), Pair(1, 0)] * 3
    assert compare(claim, pairs, max_units=200).verdict is Verdict.SUPPORTED
    worse = [Pair(1, 1), Pair(0, 1)] * 40
    assert compare(claim, worse, max_units=200).certified == "rate < baseline - 0.1"


def test_scores_keep_their_units() -> None:
    found = changed(mean(0, 10), [Pair(4, 8), Pair(3, 7), Pair(5, 8)] * 10, max_units=100)
    assert (found.verdict, found.n_down) == (Verdict.REFUTED, 30)
    assert found.mean_now == pytest.approx(4)
    assert found.mean_before == pytest.approx(23 / 3)
    assert found.interval is not None
    assert -10 <= found.interval.low < -11 / 3 < found.interval.high < 0


def test_several_draws_of_a_case_are_one_piece_of_evidence() -> None:
    pairs = [Pair(0, 1), Pair(1, 1)] * 6
    units = [place // 2 for place in range(12)]
    one_by_one = changed(rate, [Pair(0, 1)] * 6, max_units=100)
    by_case = changed(rate, pairs, max_units=100, units=units)
    assert (by_case.n_pairs, by_case.n_units) == (12, 6)
    assert by_case.difference == one_by_one.mean_now - 0.5
    uneven = changed(rate, [Pair(0, 1), Pair(1, 1), Pair(1, 1), Pair(0, 1)], max_units=9, units=[0, 0, 0, 1])
    assert uneven.difference == pytest.approx(-(1 / 3 + 1) / 2)


def test_numbers_outside_their_range_are_refused() -> None:
    with pytest.raises(UsageError, match="alpha must be between 0 and 1"):
        changed(rate, [], max_units=10, alpha=0.0)


def turns(*outcomes: float | None, case: str = "a") -> tuple[StoredTurn, ...]:
    return tuple(StoredTurn(case, repeat, outcome) for repeat, outcome in enumerate(outcomes))


def test_drift_adds_up_what_each_comparison_missed() -> None:
    first = Sampled(made_at="", seed=0, set_digest="", turns=turns(*[1.0] * 40))
    later = Sampled(made_at="", seed=0, set_digest="", turns=turns(*([1.0, 1.0, 1.0, 0.0] * 10)))
    entry = Entry(hypothesis="t", model="", statistic="rate", design="", current=later, anchor=first)
    now = turns(*([1.0, 0.0, 1.0, 0.0] * 10))
    pairs = paired(now, later.turns)
    assert pairs is not None
    assert changed(rate, pairs[:24], max_units=40).verdict is Verdict.INCONCLUSIVE
    found = drift(entry, rate, now[:24])
    assert found is not None
    assert (found.verdict, found.n_down, found.n_pairs) == (Verdict.REFUTED, 12, 24)


def test_drift_needs_the_same_cases_in_the_same_order() -> None:
    first = Sampled(made_at="", seed=0, set_digest="", turns=turns(1.0, 1.0))
    entry = Entry(hypothesis="t", model="", statistic="rate", design="", current=first, anchor=first)
    assert drift(entry, rate, turns(1.0, 1.0, case="b")) is None
    assert drift(entry, rate, turns(1.0, 1.0)[::-1]) is None


def test_drift_leaves_out_a_unit_that_the_anchor_cuts() -> None:
    first = Sampled(made_at="", seed=0, set_digest="", turns=turns(*[1.0] * 5))
    entry = Entry(hypothesis="t", model="", statistic="rate", design="", current=first, anchor=first)
    found = drift(entry, rate, turns(*[0.0] * 8), units=[0, 0, 1, 1, 2, 2, 3, 3])
    assert found is not None
    assert (found.n_pairs, found.n_units) == (4, 2)


@pytest.mark.parametrize("scores", [False, True])
def test_it_agrees_with_the_runners_own_difference(make_hypothesis, sample, scores: bool) -> None:
    of = mean(0, 10) if scores else rate
    claim = difference("now", "before", of=of) >= (-1 if scores else 0)
    n_decided = 0
    for seed in range(12):
        rng = random.Random(seed)
        table: dict[tuple[int, str], float | None] = {}
        for index in range(60):
            for arm in ("now", "before"):
                chance = 0.75 if arm == "before" else (0.3, 0.75, 0.95)[seed % 3]
                value = float(rng.random() < chance) * (10 if scores else 1)
                table[index, arm] = None if rng.random() < 0.05 else value

        async def body(case, arm, trial, table=table):
            value = table[trial.index, arm]
            if value is None:
                raise InvalidTrial("lost")
            return value

        plan = pick_order(load(["x", "y"], base=Path()), "cases", seed=0)

        def trials(plan=plan):
            return with_arms(takewhile(lambda trial: trial.unit < 60, plan), ("now", "before"))

        design = {"arms": ("now", "before"), "trials": trials, "max_trials": 60}
        run = asyncio.run(sample(make_hypothesis(body, claim, **design)))
        decision = result_of(run).decision
        pairs = [Pair(table[turn, "now"], table[turn, "before"]) for turn in range(decision.evidence.n)]
        found = compare(claim, pairs, max_units=60)
        n_decided += decision.stop is StopReason.DECIDED
        assert found.verdict is decision.verdict
        assert found.certified == decision.certified
        assert found.interval == decision.evidence.interval
        assert found.n_invalid == decision.evidence.n_invalid
        assert found.difference == pytest.approx(decision.evidence.estimate)
    assert n_decided >= 4
