"""F18, mixed snapshots: one hypothesis must not mix two snapshots of a model without saying so."""

from __future__ import annotations

from pytest_velo.checks.snapshots import mixed_snapshots
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, TrialRecord


def test_two_snapshots_of_a_model_are_told() -> None:
    def trial(served):
        asked = Request(api="a", endpoint="e", model="m", messages=())
        at = Address(key="k", seed=0, stream="", slot="c:0:0")
        reply = Reply(text="", model_served=served)
        call = Call(model="e/m", request=asked, reply=reply, address=at, drawn_at="")
        made = {"index": 0, "case_id": "", "repeat": 0, "seed": 0, "kind": OutcomeKind.ONE}
        return TrialRecord(**made, values={}, calls=(call,))

    (told,) = mixed_snapshots([trial("m-may"), trial("m-june"), trial(None)])
    assert told.split(": ")[0] == "e/m was answered by m-june and m-may"
    assert mixed_snapshots([trial("m-may"), trial("m-may"), trial(None)]) == ()
