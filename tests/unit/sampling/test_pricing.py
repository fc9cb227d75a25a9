"""What a reply cost and what a call may cost at most, in dollars."""

from __future__ import annotations

from pytest_velo.records import Request, Usage
from pytest_velo.sampling.pricing import n_draws, output_limit, price_reply, prompt_bytes, worst_case
from pytest_velo.settings import Api, Endpoint, Price


def test_price_reply_is_unknown_without_usage() -> None:
    declared = Endpoint(name="x", api=Api.OPENAI_CHAT, price=Price(input_usd=1.0, output_usd=2.0))
    assert price_reply(declared, "m", Usage(input_tokens=1_000_000, output_tokens=500_000)) == 2.0
    assert price_reply(declared, "m", Usage()) is None


def test_worst_case_takes_the_output_limit() -> None:
    declared = Endpoint(name="x", api=Api.OPENAI_CHAT, price=Price(input_usd=1.0, output_usd=2.0))
    asked = Request(api="", endpoint="x", model="m", messages=(), parameters={"max_tokens": 500_000})
    assert worst_case(declared, asked) == 1.0
    assert worst_case(Endpoint(name="x", api=Api.OPENAI_CHAT, base_url="http://127.0.0.1"), asked) is None


def test_prompt_bytes_count_bytes_and_messages() -> None:
    def ask(*texts):
        messages = tuple({"role": "user", "content": text} for text in texts)
        return Request(api="", endpoint="x", model="m", messages=messages)

    assert prompt_bytes(ask("cafe")) == 12
    assert prompt_bytes(ask("café")) == 13
    assert prompt_bytes(ask("ca", "fe")) == 20


def test_output_limit_under_either_name() -> None:
    def ask(**parameters):
        return Request(api="", endpoint="x", model="m", messages=(), parameters=parameters)

    assert output_limit(ask(max_tokens=100)) == 100
    assert output_limit(ask(max_output_tokens=50)) == 50
    assert output_limit(ask()) is None


def test_n_draws_of_one_request() -> None:
    asked = Request(api="", endpoint="x", model="m", messages=(), parameters={"n": 4})
    assert n_draws(asked) == 4
