"""One model call of a trial: its draw is got, kept in the transcript, and guarded."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.records import Address, Reply
from pytest_velo.sampling.call import Guard, as_declared, ask, remarks
from pytest_velo.sampling.scope import TrialScope
from pytest_velo.sampling.trial import Trial
from pytest_velo.settings import Endpoint


def test_a_call_is_kept_with_its_label() -> None:
    class Drawer:
        async def draw(self, target, request, *, key, slot, stream, may_pay):
            at = Address(key=key, seed=0, stream=stream, slot=str(slot))
            return SimpleNamespace(reply=Reply(text="Paris"), address=at, drawn_at="2026-11-01")

    plain = {"case": None, "case_digest": "c", "stream": "", "may_pay": False, "block": None}
    scope = TrialScope(trial=Trial(index=0, repeat=0, seed=7), drawer=Drawer(), **plain)
    model, guard = resolve("scripted/x"), Guard(allow_cut=False, allow_empty=False, schema=False)
    asked = ask(scope, model, model.request([]), guard, label="first", again=print)
    assert asyncio.run(asked) == Reply(text="Paris")
    assert [call.address.slot for call in scope.calls] == ["c:0:0:first"]


def target(options: str = "", api: str = "openai-chat") -> Target:
    return Target(endpoint=parse_endpoint(f"lab: api={api} {options}"), model="m")


HI = {"role": "user", "content": "Hi"}
BEGUN = {"role": "assistant", "content": "It is"}
THOUGHT = "<think>Hm.</think>12"


@pytest.mark.parametrize(
    ("lab", "messages", "reply", "told"),
    [
        (target(), [HI], Reply(text=THOUGHT), "declare think=strip"),
        (target("think=keep"), [HI], Reply(text=THOUGHT), None),
        (target("think=strip"), [HI], Reply(text="12"), None),
        (target(), [HI, BEGUN], Reply(text="12"), "declare prefill="),
        (target("prefill=plain"), [HI, BEGUN], Reply(text="12"), None),
        (target(api="anthropic"), [HI, BEGUN], Reply(text="12"), None),
        (target(api="openai-responses"), [HI], Reply(text="12", not_honoured=("seed", "stop")), "told stop"),
        (target(), [HI], Reply(text="12", not_honoured=("seed", "logprobs")), None),
    ],
)
def test_what_a_reader_must_know_of_a_reply(lab, messages, reply, told) -> None:
    """`logprobs` that did not come are an error where they are read."""
    said = remarks(reply, lab.request(messages, {"stop": "x", "logprobs": 2}), lab)
    assert bool(said) is (told is not None)
    assert told is None or told in said[0]
    assert all(lab.id in remark for remark in said)


def test_one_seed_for_all_draws_is_said() -> None:
    assert "leave it out" in remarks(Reply(text="12"), target().request([HI], {"seed": 7}), target())[0]


def test_an_old_draw_is_read_as_the_endpoint_is_declared_today() -> None:
    asked = target().request([HI])
    assert as_declared(Reply(text=THOUGHT), asked, target().endpoint).text == THOUGHT
    split = as_declared(Reply(text=THOUGHT), asked, target("think=strip").endpoint)
    assert (split.text, split.reasoning) == ("12", "Hm.")


def test_a_prefill_that_a_plugins_server_repeats_is_no_part_of_the_text() -> None:
    begun = Target(endpoint=Endpoint(name="acme", api="acme"), model="m").request([HI, BEGUN])
    reply = as_declared(Reply(text="It is 12."), begun, Endpoint(name="acme", api="acme"))
    assert (reply.text, reply.prefill) == (" 12.", "It is")
