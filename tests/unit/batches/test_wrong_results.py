"""Results that are not what they should be: nothing of them ends in a slot that it does not belong to."""

from __future__ import annotations

import json

import pytest

from pytest_velo.batches.entry import BatchState, custom_id
from pytest_velo.batches.results import is_served_by


def renamed(line: bytes, custom_id: str) -> bytes:
    return json.dumps({**json.loads(line), "custom_id": custom_id}).encode()


def test_an_id_that_was_not_sent_is_refused(office):
    office.server.mangle = lambda lines: [renamed(lines[0], "velo-0-ffff"), *lines]
    wanted = office.wants(2)
    office.submit(wanted)
    (look,) = office.look()
    assert (look.tally.n_foreign, look.batch.n_stored) == (1, 2)
    assert "not of this batch" in look.batch.problem


def test_the_results_of_another_batch_are_refused(chat):
    wanted = chat.wants(2)
    other = custom_id("0123456789abcdef", wanted[0].address)
    chat.server.mangle = lambda lines: [renamed(lines[0], other), *lines[1:]]
    chat.submit(wanted)
    (look,) = chat.look()
    assert chat.stored(wanted)[0] is None
    assert look.batch.state is BatchState.UNDER_WAY
    assert "1 of 2 results came" in look.batch.problem


def test_an_id_that_comes_twice_counts_once_and_the_first_one_wins(office):
    def twice(lines: list[bytes]) -> list[bytes]:
        first, second = lines
        return [first, second, renamed(second, json.loads(first)["custom_id"])]

    office.server.mangle = twice
    wanted = office.wants(2)
    office.submit(wanted)
    (look,) = office.look()
    assert (look.tally.n_twice, look.tally.n_lines) == (1, 2)
    assert office.stored(wanted) == [office.says(each) for each in wanted]


def test_a_reply_of_another_model_fills_no_slot_unless_it_is_said_to_be_that_model(office):
    office.server.model = lambda _: "huge"
    wanted = office.wants(2)
    office.submit(wanted)
    (look,) = office.look()
    assert (office.stored(wanted), look.batch.n_failed) == ([None, None], 2)
    office.submit(wanted)
    office.look(served="huge")
    assert None not in office.stored(wanted)


@pytest.mark.parametrize(
    ("served", "asked", "same"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini", True),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", True),
        ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet-latest", True),
        ("gpt-4-0613", "gpt-4", True),
        ("Qwen/Qwen3-8B", "qwen3-8b", True),
        (None, "gpt-4o", True),
        ("gpt-4o-2024-08-06", "gpt-4o-mini", False),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4", False),
        ("claude-opus-4-1", "claude-sonnet-4-1", False),
        ("", "gpt-4o", False),
    ],
)
def test_which_names_are_one_model(served, asked, same):
    assert is_served_by(served, asked) is same


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[: len(line) // 2],
        lambda _: b"\xff\xfe\x00",
        lambda _: b"[]",
        lambda _: b"null",
        lambda _: b'{"custom_id": 7, "response": {}, "result": {}}',
        lambda line: json.dumps({"custom_id": json.loads(line)["custom_id"]}).encode(),
        lambda line: b'{"a":' * 5_000 + line,
    ],
    ids=["cut", "bytes", "list", "null", "number", "empty", "deep"],
)
def test_a_damaged_line_is_said_to_be_damaged_and_the_others_are_read(office, damage):
    office.server.mangle = lambda lines: [lines[0], damage(lines[1]), *lines[2:]]
    wanted = office.wants(3)
    office.submit(wanted)
    (look,) = office.look()
    assert look.tally.damaged == [2]
    assert look.batch.n_stored == 2
    assert look.batch.state is BatchState.UNDER_WAY
    assert look.trouble is not None
    told = [text for text in office.stored(wanted) if text is not None]
    assert len(told) == 2
    assert {*told} < {office.says(each) for each in wanted}


def test_damaged_results_are_read_again(office):
    whole = office.server.mangle
    office.server.mangle = lambda lines: lines[:-1]
    wanted = office.wants(3)
    office.submit(wanted)
    office.look()
    (job,) = office.server.jobs
    office.server.mangle = whole
    job.outputs, job.status = {}, "in_progress"
    (look,) = office.look()
    assert look.batch.state is BatchState.COLLECTED
    assert (look.tally.n_stored, look.tally.n_known) == (1, 2)
    assert office.stored(wanted) == [office.says(each) for each in wanted]


def test_waiting_ends_where_results_stay_damaged(office):
    from pytest_velo.errors import OutageError

    office.server.mangle = lambda lines: [b"{"] * len(lines)
    office.submit(office.wants(2))
    with pytest.raises(OutageError) as caught:
        office.wait()
    assert "cannot be read" in caught.value.what
    assert "--again" in caught.value.fix


def test_a_body_that_is_no_reply_fills_no_slot(office):
    office.server.answer = lambda path, body: (200, {"nothing": "here"})
    wanted = office.wants(2)
    office.submit(wanted)
    (look,) = office.look()
    assert (look.batch.n_failed, office.stored(wanted)) == (2, [None, None])


def test_the_key_is_sent_to_no_other_server(messages, server):
    from support.batch_server import BatchServer

    other = BatchServer()
    try:
        server.results_host = other.address
        messages.submit(messages.wants(2))
        (look,) = messages.look()
        assert other.address.removeprefix("http://") in look.trouble.what
        assert other.seen == []
    finally:
        other.close()


def test_a_live_draw_that_came_first_stays(chat):
    from pytest_velo.records import Reply

    wanted = chat.wants(2)
    chat.submit(wanted)

    async def live(desk):
        reply = Reply(text="made live")
        await desk.store.put(wanted[0].request, wanted[0].address, reply, "2026-11-29T00:00:00+00:00")

    chat.at_desk(live)
    (look,) = chat.look()
    assert chat.stored(wanted)[0] == "made live"
    assert (look.tally.n_stored, look.tally.n_known) == (1, 1)
    assert look.batch.spent_usd == pytest.approx(15 / 1e6)  # both were paid for
