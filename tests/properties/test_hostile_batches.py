"""Damaged results of batches: a reply that can be stored, or one of our errors; never the wrong slot."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.batches.collecting import NOT_A_LINE
from pytest_velo.batches.opening import open_service
from pytest_velo.batches.results import refuses_a_seed, reply_of
from pytest_velo.batches.service import Service
from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.errors import VeloError
from pytest_velo.providers.answers import decode
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import Target
from pytest_velo.records import as_messages
from support.hostile import damaged_json, fuzzing

APIS = ("openai-chat", "openai-responses", "anthropic")
ENDPOINTS = {
    api: parse_endpoint(f"there: api={api} base_url=http://127.0.0.1:1 price=1/2 batch=0.5") for api in APIS
}
ASKED = {api: Target(endpoint=ENDPOINTS[api], model="m").request(as_messages("Hi"), {}) for api in APIS}


@cache
def service(api: str) -> Service:
    """Return a service that asks nobody: its client takes long to set up."""
    return open_service(ENDPOINTS[api])


@cache
def lines(api: str) -> list[Any]:
    """Return a line for each recorded shape of a live answer, and for each other end of a request."""
    record = json.loads((Path(__file__).parents[1] / "unit" / "wire" / f"{api}.json").read_bytes())
    found: list[Any] = []
    for shape in record.values():
        status, body = shape.get("status", 200), shape["body"]
        if api == "anthropic":
            kind = (
                {"type": "succeeded", "message": body} if status < 400 else {"type": "errored", "error": body}
            )
            found.append({"custom_id": "velo-1", "result": kind})
        else:
            response = {"status_code": status, "request_id": "r", "body": body}
            found.append({"id": "b", "custom_id": "velo-1", "response": response, "error": None})
    if api == "anthropic":
        return [*found, {"custom_id": "velo-1", "result": {"type": "expired"}}]
    expired = {"code": "batch_expired", "message": "too late"}
    return [*found, {"id": "b", "custom_id": "velo-1", "response": None, "error": expired}]


@pytest.mark.parametrize("api", APIS)
@fuzzing
@given(data=st.data())
def test_a_damaged_line_is_a_reply_or_our_error(api: str, data: st.DataObject) -> None:
    line = data.draw(damaged_json(data.draw(st.sampled_from(lines(api)))))
    try:
        result = service(api).read(decode(line))
    except NOT_A_LINE:
        return
    assert isinstance(result.custom_id, str)
    try:
        wire = service(api).wire
        reply = reply_of(result, ASKED[api], wire, ENDPOINTS[api], seeded=True)
    except VeloError:
        assert refuses_a_seed(result, ASKED[api]) in (True, False)
        return
    assert decode_reply(encode_reply(reply)[0]).text == reply.text
    assert result.custom_id == json.loads(line)["custom_id"]
