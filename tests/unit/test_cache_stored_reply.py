"""A reply that is read back: the provider's whole answer is decoded when it is asked for."""

from __future__ import annotations

import copy
from dataclasses import asdict, fields, replace

import msgspec
import pytest

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.errors import StoreError
from pytest_velo.records import Reply, Usage

WHOLE = {"id": "r1", "choices": [{"text": "Lyon", "nested": {"a": [1, 2.5, None]}}]}
REPLY = Reply(text="Lyon", raw=WHOLE, usage=Usage(output_tokens=3), cost_usd=0.25)


def read() -> Reply:
    return decode_reply(encode_reply(REPLY)[0])


def test_it_equals_what_was_stored_in_every_field() -> None:
    for field in fields(Reply):
        if field.name != "cached":
            assert getattr(read(), field.name) == getattr(REPLY, field.name), field.name
    assert read() == REPLY
    assert read().cached


def test_raw_is_a_plain_dict_and_always_the_same_one() -> None:
    reply = read()
    assert type(reply.raw) is dict
    assert reply.raw is reply.raw


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, replace],
)
def test_copies_have_it_too(copied) -> None:
    assert copied(read()).raw == WHOLE
    assert copied(read()) == REPLY


def test_as_a_dict_it_has_all_fields() -> None:
    assert asdict(read()) == {**asdict(REPLY), "cached": True}


def test_stored_again_it_is_the_same_bytes() -> None:
    body, _ = encode_reply(REPLY)
    assert encode_reply(read())[0] == body


def test_a_reply_without_one_has_an_empty_one() -> None:
    assert decode_reply(b'{"text":"Lyon"}').raw == {}


def test_it_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        read().raw = {}  # type: ignore[misc]


def test_a_damaged_one_is_said_where_it_is_asked_for() -> None:
    reply = decode_reply(b'{"text":"Lyon","raw":[]}')
    with pytest.raises(StoreError, match="whole reply"):
        _ = reply.raw
    with pytest.raises(msgspec.DecodeError):
        decode_reply(b'{"text":"Lyon","raw":{"a":}}')
