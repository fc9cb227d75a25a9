"""What a trial measured with: the prompt it sent and the judge it asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from pytest_velo.bodies.instruments import CUT, changes_between, instruments_of, template_of
from pytest_velo.canonical import digest
from pytest_velo.case_sets import Case
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, TrialRecord, as_messages
from support.reports import call, refuted, trial


def asking(model, prompt, api="a"):
    asked = Request(api=api, endpoint="e", model=model, messages=as_messages(prompt))
    at = Address(key="k", seed=0, stream="", slot="c:0:0")
    made = Call(model=model, request=asked, reply=Reply(text=""), address=at, drawn_at="")
    kind = OutcomeKind.ONE
    return TrialRecord(index=0, case_id="", repeat=0, seed=0, kind=kind, values={}, calls=(made,))


def test_instruments_tell_prompts_apart_but_not_models() -> None:
    hi, bye = instruments_of(asking("m", "Hi")), instruments_of(asking("m", "Bye"))
    assert hi == instruments_of(asking("another", "Hi"))
    assert hi.prompt != bye.prompt
    assert hi.judge == ""


def test_changes_between_two_runs_are_named() -> None:
    def run(prompt, **fields):
        made = trial(0, 1, calls=(call(prompt, "yes"),))
        return refuted(trials=(made,), **fields)

    before = run("Hi", body_digest="a", models_served=("tiny-1",))
    assert changes_between(before, before) == ()
    after = run("Bye", body_digest="b", models_served=("tiny-2",), model="lab/other")
    assert changes_between(before, after) == (
        "the model (lab/tiny -> lab/other)",
        "what served it (tiny-1 -> tiny-2)",
        "the body",
        "the prompt",
    )
    assert changes_between(run("Hi"), run("Hi", body_digest="b")) == ()  # an older record does not tell


def test_a_baseline_of_a_prompt_that_was_sent_or_read_otherwise_is_of_another_prompt() -> None:
    """An older version kept what a server repeats of a prefill in the text, and did not send a name."""
    hi = {"role": "user", "content": "Hi"}

    def older(*messages):
        return digest([list(messages), {}])[:CUT]

    assert instruments_of(asking("m", [hi])).prompt == older(hi)
    for messages in ([hi, {"role": "assistant", "content": "It is"}], [{**hi, "name": "Ada"}]):
        now = instruments_of(asking("m", messages)).prompt
        assert now != older(*messages)
        assert now == instruments_of(asking("m", messages, api="anthropic")).prompt


@dataclass(frozen=True)
class Question:
    country: str
    n: int


@pytest.mark.parametrize(
    ("case", "other"),
    [
        ("Laos", "Peru"),
        ("a", "b"),
        ({"country": "Laos", "n": 2}, {"country": "Peru", "n": 31}),
        (Question("Laos", 2), Question("Peru", 31)),
        (Case({"country": "Laos", "n": 2}), Case({"country": "Peru", "n": 31})),
        (("Laos", 2.5), ("Peru", 3.0)),
    ],
)
def test_a_template_is_that_of_every_case_and_another_prompt_has_another(case, other) -> None:
    def template(case, prompt="Which capital has {}? Answer about {}."):
        fields = case.values() if isinstance(case, dict) else vars(case).values() if is_case(case) else case
        texts = [case, case] if isinstance(case, str) else [*fields]
        return template_of(replace(asking("m", prompt.format(*texts)), case=case))

    def is_case(value):
        return isinstance(value, Question | Case)

    assert template(case) == template(other)
    assert template(case) != template(case, prompt="Name a capital of {}, {}.")


def test_the_prompt_of_two_runs_is_compared_on_a_case_that_both_asked() -> None:
    def run(*asked):
        made = (
            replace(trial(n, 1, calls=(call(prompt, "yes"),)), case_id=case, case=case)
            for n, (case, prompt) in enumerate(asked)
        )
        return refuted(trials=tuple(made))

    peru, laos = ("Peru", "capital of Peru"), ("Laos", "capital of Laos")
    assert changes_between(run(peru, laos), run(laos, peru)) == ()
    assert changes_between(run(peru), run(laos)) == ()  # no case in common
    assert changes_between(run(peru, laos), run(("Laos", "city of Laos"), peru)) == ("the prompt",)
    assert changes_between(run(peru), run(("Laos", "city of Laos"))) == ("the prompt",)
