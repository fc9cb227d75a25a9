"""Replies and requests as stored JSON, and back. Plain JSON decoded into typed records: nothing runs."""

from __future__ import annotations

from pytest_velo.cache.codec import decode_reply, decode_request, encode_reply
from pytest_velo.records import FinishReason, Reply


def test_a_reply_is_encoded_for_a_cassette() -> None:
    body, kept = encode_reply(Reply(text="Lyon", cost_usd=0.25, raw={"id": "r1"}), for_cassette=True)
    assert body == b'{"text":"Lyon","cost_usd":0.25}'
    assert kept.text == "Lyon"
    assert encode_reply(Reply(text="cut \ud83d"))[1].text == "cut \N{REPLACEMENT CHARACTER}"


def test_a_decoded_reply_is_cached() -> None:
    body, _ = encode_reply(Reply(text="Lyon", finish_reason="length"))
    reply = decode_reply(body)
    assert reply.text == "Lyon"
    assert reply.finish_reason == FinishReason.LENGTH
    assert reply.cost_usd is None
    assert reply.cached


def test_a_stored_request_is_decoded() -> None:
    stored = b'{"api":"a","endpoint":"e","messages":[],"model":"m","parameters":{"top_p":0.5}}'
    assert decode_request(stored).parameters == {"top_p": 0.5}
