"""What a trial measured with: the prompt it sent and the judge it asked."""

from __future__ import annotations

from pytest_velo.checks.instruments import instruments_of
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, TrialRecord, as_messages


def test_instruments_tell_prompts_apart_but_not_models() -> None:
    def trial(model, prompt):
        asked = Request(api="a", endpoint="e", model=model, messages=as_messages(prompt))
        at = Address(key="k", seed=0, stream="", slot="c:0:0")
        call = Call(model=model, request=asked, reply=Reply(text=""), address=at, drawn_at="")
        made = {"index": 0, "case_id": "", "repeat": 0, "seed": 0, "kind": OutcomeKind.ONE}
        return TrialRecord(**made, values={}, calls=(call,))

    hi, bye = instruments_of(trial("m", "Hi")), instruments_of(trial("m", "Bye"))
    assert hi == instruments_of(trial("another", "Hi"))
    assert hi.prompt != bye.prompt
    assert hi.judge == ""
