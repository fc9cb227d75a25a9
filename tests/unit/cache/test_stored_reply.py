"""A reply as it is read back: the provider's whole answer is decoded when somebody asks for it."""

from __future__ import annotations

import re

import msgspec
import pytest

from pytest_velo.cache.stored_reply import reader


def test_stored_reply_decodes_raw_once() -> None:
    reply = reader()(b'{"text":"Lyon","raw":{"id":"r1"},"cached":true}')
    assert reply.text == "Lyon"
    assert reply.cached
    assert reply.raw == {"id": "r1"}
    assert reply.raw is reply.raw


def test_reader_refuses_bytes_that_are_no_reply() -> None:
    assert reader()(b'{"text":"Lyon","cost_usd":0.25}').cost_usd == 0.25
    with pytest.raises(msgspec.ValidationError, match=re.escape("Expected `str`, got `int` - at `$.text`")):
        reader()(b'{"text":1}')
