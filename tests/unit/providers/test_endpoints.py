"""Endpoints as users declare them: one ini line each."""

from __future__ import annotations

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.settings import Prefill, Price, Think


def test_an_endpoint_is_parsed() -> None:
    line = "vllm: api=openai-chat base_url=http://localhost:8000/v1 price=0.15/0.60"
    endpoint = parse_endpoint(line)
    assert endpoint.name == "vllm"
    assert endpoint.price == Price(input_usd=0.15, output_usd=0.6)
    assert not endpoint.free


def test_what_a_server_does_with_prefills_and_thoughts_is_declared() -> None:
    endpoint = parse_endpoint("vllm: api=openai-chat prefill=continue think=strip")
    assert (endpoint.prefill, endpoint.think) == (Prefill.CONTINUE, Think.STRIP)
    plain = parse_endpoint("vllm: api=openai-chat")
    assert (plain.prefill, plain.think) == (None, None)


@pytest.mark.parametrize(
    ("line", "what", "fix"),
    [
        ("api=openai-chat prefill=always", "prefill= cannot be read", "continue, prefix, plain, none"),
        ("api=openai-chat think=drop", "think= cannot be read", "keep, strip"),
        ("api=anthropic prefill=continue", "has no prefill", "leave prefill= out"),
        ("api=openai-chat rpm=5 rpm=6", "rpm= is given twice", "leave one out"),
        ("api=openai-chat header.X-A=1 header.X-A=2", "header.X-A= is given twice", "leave one out"),
        ("api=local base_url=http://127.0.0.1:1", "has no base_url", "leave base_url= out"),
        ("api=local key=SOME_KEY", "has no key", "leave key= out"),
        ("api=scripted timeout_s=5", "has no timeout_s", "leave timeout_s= out"),
        ("api=local header.X-A=1", "has no headers", "leave header."),
    ],
)
def test_an_option_that_would_be_ignored_is_named(line: str, what: str, fix: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_endpoint(f"mine: {line}")
    assert what in caught.value.what
    assert caught.value.where == "endpoint mine"
    assert fix in caught.value.fix
