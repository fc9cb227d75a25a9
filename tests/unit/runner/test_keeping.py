"""What a run keeps of its trials: less memory, and nothing that a record needs is gone."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.records import Address, Call, Reply, Request
from pytest_velo.report.transcript import trial_to_json
from pytest_velo.runner.keeping import Keeper
from support.reports import trial


def call(n: int) -> Call:
    request = Request(
        api="a",
        endpoint="e",
        model="m",
        messages=({"role": "user", "content": "Hi"},),
        parameters={"stop": ["."]},
    )
    written, _ = encode_reply(Reply(text=f"reply {n}", raw={"id": n}, model_served="m-1"))
    address = Address(key="".join(["k"] * 64), seed=1, stream="", slot=f"c:{n}:0")
    return Call(
        model="e/m", request=request, reply=decode_reply(written), address=address, drawn_at=f"2026-{n}"
    )


def test_a_transcript_is_recorded_as_it_was_without_the_whole_reply() -> None:
    calls = tuple(map(call, range(3)))
    kept = Keeper().calls(calls)
    before, now = (trial_to_json("t", trial(0, 1, calls=each)) for each in (calls, kept))
    assert now == before
    assert [each.reply.raw for each in kept] == [{}] * 3
    assert [each.reply.raw for each in calls] == [{"id": n} for n in range(3)], "the body may still read it"


def test_equal_requests_and_equal_outcomes_are_kept_once() -> None:
    keeper = Keeper()
    (first,), (second,) = keeper.calls([call(1)]), keeper.calls([call(2)])
    assert first.request is second.request
    assert first.address.key is second.address.key
    other = replace(call(3), address=replace(call(3).address, key="another"))
    assert keeper.calls([other])[0].request is not first.request
    assert keeper.values({"": 1.0}) is keeper.values({"": 1.0})
    assert keeper.values({"": 0.0}) == {"": 0.0}
