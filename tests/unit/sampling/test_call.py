"""One model call of a trial: its draw is got, kept in the transcript, and guarded."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from pytest_velo.providers.registry import resolve
from pytest_velo.records import Address, Reply
from pytest_velo.sampling.call import Guard, ask
from pytest_velo.sampling.trial import Trial, TrialScope


def test_a_call_is_kept_with_its_label() -> None:
    class Drawer:
        async def draw(self, target, request, *, key, slot, stream, may_pay):
            at = Address(key=key, seed=0, stream=stream, slot=str(slot))
            return SimpleNamespace(reply=Reply(text="Paris"), address=at, drawn_at="2026-11-01")

    plain = {"case": None, "case_digest": "c", "stream": "", "may_pay": False, "block": None}
    scope = TrialScope(trial=Trial(index=0, repeat=0, seed=7), drawer=Drawer(), **plain)
    target, guard = resolve("scripted/x"), Guard(allow_cut=False, allow_empty=False, schema=False)
    assert asyncio.run(ask(scope, target, target.request([]), guard, label="first")) == Reply(text="Paris")
    assert [call.address.slot for call in scope.calls] == ["c:0:0:first"]
