"""Arms that differ in more than one thing: what made the difference is then anybody's guess."""

from __future__ import annotations

from pytest_velo.checks.arms import confounded_arms, differences
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, TrialRecord, as_messages


def test_arms_that_differ_in_two_things_are_confounded() -> None:
    def trial(arm, system, **parameters):
        sent = as_messages("Hi", system)
        asked = Request(api="a", endpoint="e", model="m", messages=sent, parameters=parameters)
        at = Address(key="k", seed=0, stream="", slot="c:0:0")
        call = Call(model="e/m", request=asked, reply=Reply(text=""), address=at, drawn_at="")
        made = {"index": 0, "case_id": "", "repeat": 0, "seed": 0, "kind": OutcomeKind.ONE}
        return TrialRecord(**made, values={}, arm=arm, calls=(call,))

    brief, kind = trial("a", "Be brief."), trial("b", "Be kind.", top_p=0.5)
    (remark,) = confounded_arms(["a", "b"], [(brief, kind)])
    assert remark.split(": ")[0] == "the arms 'a' and 'b' differ in 2 things (system prompt, top_p)"
    assert confounded_arms(["a", "b"], [(trial("a", "Be brief."), trial("b", "Be kind."))]) == ()


def test_differences_between_two_requests() -> None:
    def ask(model, prompt, **parameters):
        sent = ({"role": "user", "content": prompt},)
        return Request(api="a", endpoint="e", model=model, messages=sent, parameters=parameters)

    assert differences(ask("m", "Hi", temperature=0), ask("m", "Hello", temperature=1)) == [
        "prompt",
        "temperature",
    ]
