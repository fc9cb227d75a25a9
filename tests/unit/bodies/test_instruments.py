"""What a trial measured with: the prompt it sent and the judge it asked."""

from __future__ import annotations

from pytest_velo.bodies.instruments import CUT, changes_between, instruments_of
from pytest_velo.canonical import digest
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
