"""The key of a request: what is sent, and nothing else."""

from __future__ import annotations

from pytest_velo.cache.keys import key_parameters, request_body, request_key
from pytest_velo.records import Request


def test_equal_numbers_give_equal_keys() -> None:
    def key(temperature):
        sent = {"temperature": temperature}
        return request_key(Request(api="a", endpoint="e", model="m", messages=(), parameters=sent))

    assert key(1) == key(1.0)
    assert key(1) != key(0.5)


def test_key_parameters_are_whole_where_they_can_be() -> None:
    sent = {"temperature": 1.0, "top_p": 0.5, "schema": {"minimum": 0.0}}
    assert key_parameters(Request(api="a", endpoint="e", model="m", messages=(), parameters=sent)) == {
        "temperature": 1,
        "top_p": 0.5,
        "schema": {"minimum": 0.0},
    }


def test_request_body_is_canonical() -> None:
    sent = {"temperature": 1.0}
    assert (
        request_body(Request(api="a", endpoint="e", model="m", messages=(), parameters=sent))
        == b'{"api":"a","canon":1,"endpoint":"e","messages":[],"model":"m","parameters":{"temperature":1}}'
    )
