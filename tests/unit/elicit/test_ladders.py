"""Ladders as values: shares of alpha, orders, costs, and what their rungs come to together."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.case_sets import load
from pytest_velo.designing.climbed import beside_those_before, climbed
from pytest_velo.elicit import (
    best_of,
    chain_of_thought,
    few_shot,
    fine_tuned,
    judged,
    ladder,
    many_shot,
    model,
    zero_shot,
)
from pytest_velo.elicit.thoughts import answer_in
from pytest_velo.errors import UsageError
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.ladder_record import ladder_from_json, ladder_to_json

HERE = Path()
SHOWN = [{"question": "What is 2 + 2?", "answer": "4"}, {"question": "What is 3 + 3?", "answer": "6"}]


def test_skipped_rungs_take_no_share():
    steps = ladder([zero_shot(), best_of(2, skip="why"), best_of(3)]).steps(HERE)
    assert [(step.rung.name, step.at, step.share) for step in steps] == [
        ("zero_shot", 0, 0.5),
        ("best_of(3, majority)", 2, 0.5),
    ]


def test_priors_share_alpha_and_order_by_success_for_cost():
    rungs = [zero_shot(prior=0.1), best_of(10, prior=0.3), model("a/b", prior=0.6, cost=2)]
    steps = ladder(rungs, order="prior", alpha="prior").steps(HERE)
    assert [step.at for step in steps] == [2, 0, 1]  # 0.3, 0.1 and 0.03 for a plain prompt's cost
    assert [step.share for step in steps] == pytest.approx([0.6, 0.1, 0.3])


def test_a_dear_rung_before_a_cheaper_one_is_told_of_where_costs_are_known():
    assert list(ladder([zero_shot(), best_of(2), model("a/b"), best_of(8)]).order_notices(HERE)) == []
    [told] = ladder([best_of(8), few_shot(SHOWN, k=2)]).order_notices(HERE)
    assert "tries best_of(8, majority) before few_shot(k=2)" in told
    assert list(ladder([best_of(8, cost=0.5), zero_shot()]).order_notices(HERE)) == []


def test_the_cost_of_what_holds_another_rung_is_that_of_its_calls():
    assert best_of(8, of=best_of(2)).relative_cost(HERE) == 16
    assert best_of(8, of=best_of(2)).n_calls == 16
    assert best_of(8, of=model("a/b")).relative_cost(HERE) is None
    assert zero_shot().relative_cost(HERE) == 1 < many_shot(SHOWN).relative_cost(HERE) < 2


def test_rungs_are_named_as_they_are_written():
    names = {
        few_shot(SHOWN, k=2).name: "few_shot(k=2)",
        many_shot(SHOWN).name: "many_shot",
        best_of(4, judged("Right?"), of=chain_of_thought()).name: "best_of(4, judged, of=chain_of_thought)",
        fine_tuned("a/b").name: "fine_tuned(a/b)",
        zero_shot(name="plain").name: "plain",
    }
    assert all(name == written for name, written in names.items())


WRONG = {
    "k": lambda: few_shot(SHOWN, k=0),
    "n": lambda: best_of(1),
    "selector": lambda: best_of(2, "best"),
    "async selector": lambda: best_of(2, _chooses),
    "of": lambda: best_of(2, of="zero_shot"),
    "id": lambda: model("gpt"),
    "held_out": lambda: fine_tuned("a/b", held_out=83),
    "prior": lambda: zero_shot(prior=0),
    "cost": lambda: zero_shot(cost=-1),
    "skip": lambda: zero_shot(skip=True),
    "name": lambda: zero_shot(name=""),
    "question": lambda: judged(""),
    "order": lambda: ladder([zero_shot()], order="cheapest"),
    "alpha": lambda: ladder([zero_shot()], alpha="prior"),
    "none": lambda: ladder([]),
    "cost unknown": lambda: ladder([model("a/b", prior=1)], order="prior").steps(HERE),
}


async def _chooses(prompt, replies):
    return 0


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_rung_is_an_error_with_a_fix(what):
    with pytest.raises(UsageError) as caught:
        WRONG[what]()
    assert caught.value.fix


LEAKS = {
    "text": [{"question": "what is  2 + 2?", "answer": "4"}, {"question": "What is 9?", "answer": "9"}],
    "other field": [{"asked": "What is 2 + 2?"}],
    "plain texts": ["What is 2 + 2?"],
}


@pytest.mark.parametrize("kind", LEAKS)
def test_an_example_that_is_a_test_case_is_refused(kind):
    cases = load(LEAKS[kind], base=HERE, seed=0, max_n=10)
    with pytest.raises(UsageError, match="is one of the test cases"):
        best_of(3, of=few_shot(SHOWN, k=2)).check(cases, HERE)


def test_an_example_with_the_id_of_a_test_case_is_refused_and_equal_answers_are_not():
    cases = load([{"id": 7, "question": "Who are you?", "answer": "4"}], base=HERE, seed=0, max_n=10)
    assert few_shot(SHOWN, k=2).check(cases, HERE) == ()
    with pytest.raises(UsageError, match="with the id 7"):
        few_shot([{"id": 7, "question": "What?", "answer": "x"}], k=1).check(cases, HERE)


def test_the_choice_among_examples_depends_on_the_seed_alone():
    many = [{"question": f"{n}?", "answer": str(n)} for n in range(50)]

    def chosen(seed):
        return few_shot(many, k=5, seed=seed)._examples(HERE)[1]

    assert chosen(1) == chosen(1) != chosen(2)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: 12", "12"),
        ("So 7.\n**Answer:** `12`\n", "12"),
        ("Answer: 11\nNo.\nanswer : 12", "12"),
        ("Answer:\n12", "12"),
        ("The answer: 12", None),
        ("", None),
    ],
)
def test_the_answer_is_on_the_last_line_that_begins_so(text, answer):
    assert answer_in(text) == answer


def came(*outcomes: Outcome) -> list[tuple]:
    steps = LADDER.steps(HERE)
    return [
        (
            step,
            HypothesisResult(
                node_id="t",
                belief="",
                claim="rate >= 0.5",
                scope="",
                outcome=outcome,
                alpha=0.05 * step.share,
                n_calls=10,
                cost_usd=0.5,
                notices=(f"said by {step.rung.name}",),
            ),
        )
        for step, outcome in zip(steps, outcomes, strict=False)
    ]


LADDER = ladder([zero_shot(), best_of(2), best_of(3), best_of(4, skip="why")])
S, R, I, E = Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE, Outcome.ERROR  # noqa: E741


@pytest.mark.parametrize(
    ("outcomes", "whole", "at"),
    [
        ((S,), S, 0),
        ((R, S), S, 1),
        ((I, R, S), S, 2),
        ((R, R, R), R, 2),
        ((R, I, R), I, 1),
        ((I, I, R), I, 1),
        ((R, R), I, 1),  # the climb ended before the third
        ((R, E), E, 1),
    ],
)
def test_a_ladder_comes_to_what_its_rungs_do_together(outcomes, whole, at):
    result = climbed(LADDER, LADDER.steps(HERE), came(*outcomes), alpha=0.05)
    assert result.outcome is whole
    assert result.ladder.at == at
    assert [rung.outcome for rung in result.ladder.rungs] == [*outcomes, *[None] * (4 - len(outcomes))]
    assert [rung.recorded_as == "" for rung in result.ladder.rungs[: len(outcomes)]] == [
        place == at for place in range(len(outcomes))
    ]
    assert sum(rung.alpha or 0 for rung in result.ladder.rungs) == pytest.approx(0.05)
    assert result.n_calls == 10 * len(outcomes)
    assert result.cost_usd == pytest.approx(0.5 * len(outcomes))
    assert ladder_from_json(ladder_to_json(result.ladder)) == result.ladder


def test_a_rung_scored_anew_stands_beside_what_the_others_came_to():
    before = climbed(LADDER, LADDER.steps(HERE), came(R, S), alpha=0.05).ladder
    [_, anew] = came(R, R)
    alone = climbed(LADDER, [anew[0]], [anew], alpha=0.05)
    now = beside_those_before(alone, before)
    assert now.outcome is I  # the third rung was never reached
    assert [rung.outcome for rung in now.ladder.rungs] == [R, R, None, None]
