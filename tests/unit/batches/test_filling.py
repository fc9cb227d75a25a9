"""What a batch brings: the slots of live calls, each with its own reply, priced at the batch price."""

from __future__ import annotations

import json
import re

import pytest

from pytest_velo.batches.entry import BatchState
from pytest_velo.records import FinishReason
from support.batch_server import digest_of

FILTERED = (400, {"error": {"message": "flagged", "code": "content_filter", "type": "invalid_request_error"}})


def test_every_slot_gets_the_reply_to_its_own_request(office):
    wanted = office.wants(5)
    office.server.looks = 2
    office.server.mangle = lambda lines: lines[::-1]
    submission = office.submit(wanted)
    assert submission.n_sent == 5
    (look,) = office.wait()
    assert office.stored(wanted) == [office.says(each) for each in wanted]
    assert len({*office.stored(wanted)}) == 5
    assert look.batch.state is BatchState.COLLECTED
    assert (look.batch.n_stored, look.batch.n_waiting) == (5, 0)
    assert office.clock.slept == [1.0, 1.0]


def test_a_reply_costs_the_share_that_the_endpoint_declares(office):
    wanted = office.wants(2)
    office.submit(wanted)
    (look,) = office.look()
    draw = office.draw(wanted[0])
    assert draw.reply.cost_usd == pytest.approx(0.5 * 15 / 1e6)
    assert draw.reply.latency_s is None
    assert look.batch.spent_usd == 2 * draw.reply.cost_usd


def test_what_is_sent_is_a_live_call_byte_for_byte(chat):
    chat.submit(wanted := chat.wants(2, temperature=0.5, max_tokens=7))
    (line, _) = next(iter(chat.server.uploads.values())).splitlines()

    async def live(desk):
        from pytest_velo.providers.registry import open_provider

        provider = open_provider(chat.endpoint, slots=1)
        await provider.complete(wanted[0].request, wanted[0].seed)
        await provider.aclose()

    chat.at_desk(live)
    assert json.loads(line)["body"] == chat.server.live[0]
    assert b'"body":' + json.dumps(chat.server.live[0], separators=(",", ":")).encode() in line
    assert chat.server.live[0]["seed"] == wanted[0].seed


def test_ids_are_as_all_apis_take_them(office):
    office.submit(office.wants(3))
    ids = [request["custom_id"] for request in office.server.jobs[0].requests]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", custom_id) for custom_id in ids)
    assert len({*ids}) == 3


def test_sampling_parameters_of_messages_travel_in_a_batch_of_their_own(messages):
    messages.submit([*messages.wants(2), *messages.wants(2, temperature=0.5)])
    assert [len(job.requests) for job in messages.server.jobs] == [2, 2]


def test_models_travel_apart(office):
    office.submit([*office.wants(2), *office.wants(3, model="large")])
    assert sorted(len(job.requests) for job in office.server.jobs) == [2, 3]


def test_a_refused_prompt_is_an_observation_as_it_is_live(chat):
    chat.server.fails = lambda body: FILTERED if "question 1" in str(body) else None
    wanted = chat.wants(3)
    chat.submit(wanted)
    (look,) = chat.look()
    reply = chat.draw(wanted[1]).reply
    assert (reply.finish_reason, reply.cost_usd) == (FinishReason.CONTENT_FILTER, 0.0)
    assert look.batch.n_stored == 3


def test_what_failed_at_the_provider_fills_no_slot(office):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "try later"}}
    office.server.fails = lambda body: (529, overloaded) if "question 1" in str(body) else None
    wanted = office.wants(3)
    office.submit(wanted)
    (look,) = office.look()
    assert office.stored(wanted)[1] is None
    assert (look.batch.n_stored, look.batch.n_failed) == (2, 1)
    office.server.fails = lambda _: None
    assert office.submit(wanted[1:2]).n_sent == 1
    office.look()
    assert office.stored(wanted) == [office.says(each) for each in wanted]


def test_what_expired_fills_no_slot_and_the_rest_does(office):
    office.server.ends_as, office.server.unanswered = "expired", 2
    wanted = office.wants(5)
    office.submit(wanted)
    (look,) = office.look()
    assert [text is None for text in office.stored(wanted)] == [False, False, True, True, True]
    assert (look.batch.state, look.batch.n_failed) == (BatchState.COLLECTED, 3)


def test_a_batch_that_fails_as_a_whole_frees_its_slots(chat):
    chat.server.ends_as = "failed"
    wanted = chat.wants(2)
    chat.submit(wanted)
    (look,) = chat.look()
    assert (look.batch.state, look.batch.n_failed) == (BatchState.COLLECTED, 2)
    chat.server.ends_as = "completed"
    assert chat.submit(wanted).n_sent == 2


def test_a_cancelled_batch_gives_what_it_has(office):
    office.server.looks, office.server.unanswered = 1, 1
    wanted = office.wants(3)
    office.submit(wanted)

    async def cancel(desk):
        (batch,) = desk.book.batches()
        return await desk.service_of(office.endpoint).cancel(batch.remote)

    assert office.at_desk(cancel).word in ("cancelling", "canceling")
    office.wait()
    assert [text is None for text in office.stored(wanted)] == [False, True, True]


def test_results_that_are_not_there_yet_are_asked_for_again(office):
    office.server.missing = 3
    wanted = office.wants(2)
    office.submit(wanted)
    (look,) = office.look()
    assert look.trouble is None
    assert None not in office.stored(wanted)
    assert len(office.clock.slept) == 3


def test_results_that_never_come_are_said_to_be_missing_and_may_come_later(office):
    office.server.missing = 100
    wanted = office.wants(2)
    office.submit(wanted)
    (look,) = office.look()
    assert "velo batch collect" in look.trouble.fix
    assert look.batch.state is BatchState.UNDER_WAY
    office.server.missing = 0
    office.look()
    assert None not in office.stored(wanted)


def test_a_seed_that_a_model_refuses_is_left_out_of_its_next_batch(chat):
    refusal = {
        "error": {
            "message": "Unsupported parameter: 'seed'",
            "param": "seed",
            "code": "unsupported_parameter",
        }
    }
    chat.server.fails = lambda body: (400, refusal) if "seed" in body else None
    wanted = chat.wants(2)
    chat.submit(wanted)
    (look,) = chat.look()
    assert look.batch.n_failed == 2
    chat.submit(wanted)
    chat.look()
    assert "seed" in chat.draw(wanted[0]).reply.not_honoured


def test_a_key_that_the_server_gives_back_is_struck_out(office):
    leak = {"type": "error", "error": {"type": "api_error", "message": "bad key sk-canary-7f3a91c2e5d84b60"}}
    office.server.fails = lambda _: (500, leak)
    office.submit(office.wants(2))
    office.look()

    async def reasons(desk):
        (batch,) = desk.book.batches()
        return desk.book.reasons(batch.name)

    ((why, n),) = office.at_desk(reasons)
    assert (n, "canary" in why) == (2, False)


def test_thousands_of_slots_are_filled_and_each_with_its_own(chat):
    wanted = chat.wants(1_000)
    chat.server.mangle = lambda lines: sorted(lines)
    chat.submit(wanted)
    (look,) = chat.look()
    assert (look.batch.n_stored, look.tally.n_lines) == (1_000, 1_000)
    told = dict(zip((each.address.slot for each in wanted), chat.stored(wanted), strict=True))

    async def own(desk):
        wire = desk.service_of(chat.endpoint).wire
        return {
            each.address.slot: f"yes {digest_of(wire.to_wire(each.request, each.seed))}" for each in wanted
        }

    assert told == chat.at_desk(own)
