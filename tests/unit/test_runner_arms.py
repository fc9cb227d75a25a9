"""Means and differences through the runner: scales, pairs, invalid arms, what is told of them."""

from __future__ import annotations

import asyncio
from itertools import takewhile
from pathlib import Path

import pytest

from pytest_velo import difference, mean, rate, scripted
from pytest_velo.case_sets import load, pick_order, with_arms
from pytest_velo.checks.arms import CHECK
from pytest_velo.checks.check import Seen
from pytest_velo.errors import InvalidTrial
from pytest_velo.providers.registry import resolve
from pytest_velo.records import Invalid, OutcomeKind
from pytest_velo.runner.result import result_of
from pytest_velo.sampling.model import AsyncModel
from pytest_velo.verdicts import Verdict

ARMS = ("plain", "hinted")


@pytest.fixture
def compare(make_hypothesis, sample):
    """Run a difference over four cases in two arms."""

    def go(body, claim, *, max_units=100, **changes):
        plan = pick_order(load(["w", "x", "y", "z"], base=Path()), "cases", seed=0)

        def trials():
            return with_arms(takewhile(lambda trial: trial.unit < max_units, plan), ARMS)

        design = {"arms": ARMS, "trials": trials, "max_trials": max_units}
        return asyncio.run(sample(make_hypothesis(body, claim, **{**design, **changes})))

    return go


def test_a_mean_keeps_its_units(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        return 8 + (trial.index % 2)

    run = asyncio.run(sample(make_hypothesis(body, mean(0, 10) >= 7, max_trials=200)))
    result = result_of(run)
    assert run.verdict is Verdict.SUPPORTED
    assert result.decision.certified == "mean(0, 10) > 7"
    assert 8 <= result.decision.evidence.estimate <= 9
    interval = result.decision.evidence.interval
    assert 7 <= interval.low <= 8.5 <= interval.high <= 10
    assert {trial.kind for trial in result.trials} == {OutcomeKind.VALUE}
    assert result.decision.evidence.n_ones is None
    assert result.decision.evidence.rule == "ville"


def test_both_arms_of_a_turn_share_case_seed_and_index(compare) -> None:
    seen = {}

    async def body(case, arm, trial):
        seen.setdefault((trial.index, case, trial.seed, trial.rng.random()), []).append(arm)
        return arm == "hinted"

    run = compare(body, difference("hinted", "plain") >= 0.1)
    assert run.verdict is Verdict.SUPPORTED
    assert all(sorted(arms) == sorted(ARMS) for arms in list(seen.values())[: run.weigher.n])
    assert [trial.arm for trial in run.trials[:4]] == ["plain", "hinted", "plain", "hinted"]


def test_the_difference_is_first_minus_second(compare) -> None:
    async def body(case, arm, trial):
        return trial.rng.random() < (0.8 if arm == "hinted" else 0.4)

    up = compare(body, difference("hinted", "plain") >= 0.1, max_units=400)
    down = compare(body, difference("plain", "hinted") <= -0.1, max_units=400)
    assert up.verdict is down.verdict is Verdict.SUPPORTED
    assert up.estimate == -down.estimate == pytest.approx(0.4, abs=0.2)
    evidence = result_of(up).decision.evidence
    assert evidence.arms["hinted"] - evidence.arms["plain"] == pytest.approx(evidence.estimate)
    assert evidence.n_for + evidence.n_against == evidence.n


def test_a_difference_of_means_is_in_their_units(compare) -> None:
    async def body(case, arm, trial):
        return 9 if arm == "hinted" else 3

    run = compare(body, difference("hinted", "plain", of=mean(0, 10)) >= 2)
    assert run.verdict is Verdict.SUPPORTED
    assert run.estimate == pytest.approx(6)


@pytest.mark.parametrize(
    ("invalid", "verdict"),
    [
        (Invalid.BOUND, Verdict.INCONCLUSIVE),
        (Invalid.EXCLUDE, Verdict.SUPPORTED),
        (Invalid.AGAINST, Verdict.REFUTED),
    ],
)
def test_a_pair_with_one_invalid_arm_counts_as_the_mark_says(compare, invalid, verdict) -> None:
    """Two of three pairs lose their second arm; the valid ones are all for the claim."""

    async def body(case, arm, trial):
        if arm == "plain" and trial.index % 3:
            raise InvalidTrial("cut")
        return arm == "hinted"

    run = compare(body, difference("hinted", "plain") >= 0.3, invalid=invalid, max_units=60)
    assert run.verdict is verdict
    assert run.units.n_invalid == sum(turn.value is None for turn in run.units.turns) > 0


def test_a_bounded_pair_is_as_wide_as_its_invalid_arm_leaves_it(compare) -> None:
    """Of a pair (1, invalid) the difference is 0 or 1, of (0, invalid) it is -1 or 0."""

    async def body(case, arm, trial):
        if arm == "plain":
            raise InvalidTrial("cut")
        return trial.index % 2

    run = compare(body, difference("hinted", "plain") >= 0.3, max_units=4)
    assert [turn.value for turn in run.units.turns] == [None] * 4
    assert run.weigher.log_e()[0] < 0


def test_the_most_telling_pairs_come_first_with_both_arms(compare) -> None:
    async def body(case, arm, trial):
        if arm == "plain":
            return 5
        return 0 if trial.index == 3 else 4 if trial.index == 1 else 10

    run = compare(body, difference("hinted", "plain", of=mean(0, 10)) >= 2, max_units=20)
    assert result_of(run).telling[:4] == (6, 7, 2, 3)


def test_arms_that_differ_in_two_things_are_pointed_out(compare) -> None:
    model = AsyncModel(resolve(scripted("arms", ["x"])))

    async def confounded(case, arm, trial):
        hinted = arm == "hinted"
        await model(f"{case}{'!' if hinted else ''}", temperature=0.5 if hinted else 1.0)
        return hinted

    async def clean(case, arm, trial):
        await model(f"{case}{'!' if arm == 'hinted' else ''}", temperature=1.0)
        return arm == "hinted"

    claim = difference("hinted", "plain") >= 0.1
    run = compare(confounded, claim)
    (said,) = CHECK.look(Seen(claim=claim, frame=run.hypothesis.frame, result=result_of(run)))
    assert "differ in 2 things (prompt, temperature)" in said.message
    run = compare(clean, claim)
    assert not [*CHECK.look(Seen(claim=claim, frame=run.hypothesis.frame, result=result_of(run)))]


def test_arms_that_send_the_same_request_share_the_draw(compare) -> None:
    """Hazard 1: their difference is then exactly 0."""
    model = AsyncModel(resolve(scripted("same", lambda _, rng: str(rng.random()))))

    async def body(case, arm, trial):
        return float((await model(case)).text)

    run = compare(body, difference("hinted", "plain", of=mean(0, 1)) >= 0.1, max_units=10)
    assert {turn.value for turn in run.units.turns} == {0.0}


def test_models_can_be_arms(make_hypothesis, sample) -> None:
    ids = scripted("strong", ["yes"]), scripted("weak", ["no"])
    model = AsyncModel({model_id: resolve(model_id) for model_id in ids})
    plan = pick_order(None, "cases", seed=0)

    async def body(case, arm, trial):
        return await model("?") == "yes"

    hypothesis = make_hypothesis(
        body,
        difference(*ids) >= 0.2,
        arms=ids,
        turns_per_unit=1,
        trials=lambda: with_arms(takewhile(lambda trial: trial.unit < 50, plan), ids),
    )
    run = asyncio.run(sample(hypothesis))
    assert run.verdict is Verdict.SUPPORTED
    assert {call.model for trial in run.trials for call in trial.calls} == set(ids)


def test_rates_are_as_they_were(make_hypothesis, sample) -> None:
    async def body(case, arm, trial):
        assert arm == ""
        return True

    result = result_of(asyncio.run(sample(make_hypothesis(body, rate <= 0.5))))
    assert result.telling == tuple(range(len(result.trials)))
    assert result.decision.evidence.n_ones == len(result.trials)


def test_a_body_that_changes_its_case_changes_it_for_no_other_arm(make_hypothesis, sample) -> None:
    seen = []

    async def body(case, arm, trial):
        seen.append([*case.options])
        case.options.append(arm)
        return arm == "hinted"

    plan = pick_order(load([{"options": ["a", "b"]}], base=Path()), "cases", seed=0)
    trials = with_arms(takewhile(lambda trial: trial.unit < 20, plan), ARMS)
    made = make_hypothesis(
        body, difference("hinted", "plain") >= 0.5, arms=ARMS, trials=lambda: trials, max_trials=20
    )
    run = asyncio.run(sample(made))
    assert run.error is None
    assert {tuple(options) for options in seen} == {("a", "b")}
    assert all(trial.case.options == ["a", "b"] for trial in run.trials), (
        "the record keeps it as it was given"
    )
