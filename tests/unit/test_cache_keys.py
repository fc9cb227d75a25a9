"""What is and what is not in a request's key."""

import hashlib
from dataclasses import replace

import pytest

from pytest_velo.cache.keys import CANON, request_body, request_key
from pytest_velo.errors import UsageError
from pytest_velo.records import Request

BASE = Request(
    api="openai-chat",
    endpoint="openai",
    model="gpt",
    messages=({"role": "user", "content": "Hi"},),
    parameters={"temperature": 0.5, "stop": ["a"]},
)


def test_the_key_is_the_hash_of_the_body():
    assert request_key(BASE) == hashlib.sha256(request_body(BASE)).hexdigest()


def test_the_body_is_stable():
    # A change here makes every stored draw unreachable: raise CANON with it.
    assert CANON == 1
    assert request_body(BASE) == (
        b'{"api":"openai-chat","canon":1,"endpoint":"openai","messages":[{"content":"Hi","role":"user"}],'
        b'"model":"gpt","parameters":{"stop":["a"],"temperature":0.5}}'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"api": "openai-responses"},
        {"endpoint": "vllm@checkpoint-2"},
        {"model": "gpt-2"},
        {"messages": ({"role": "user", "content": "Hi!"},)},
        {"parameters": {"temperature": 0.5}},
        {"parameters": {"temperature": 0.5, "stop": ["b"]}},
        {"parameters": {"temperature": True, "stop": ["a"]}},
    ],
    ids=str,
)
def test_everything_that_is_sent_is_in_the_key(change):
    assert request_key(replace(BASE, **change)) != request_key(BASE)


def test_order_of_parameters_and_whole_floats_do_not_matter():
    one = replace(BASE, parameters={"temperature": 1, "top_p": 0.5})
    two = replace(BASE, parameters={"top_p": 0.5, "temperature": 1.0})
    assert request_key(one) == request_key(two)


def test_a_message_without_json_form_is_named():
    with pytest.raises(UsageError) as caught:
        request_key(replace(BASE, messages=({"role": "user", "content": {"x"}},)))
    assert caught.value.where == "a model call"
    assert "request.messages[0].content is a set" in caught.value.what
