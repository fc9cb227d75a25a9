"""Endpoints as users declare them: one ini line each."""

from __future__ import annotations

from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.settings import Price


def test_an_endpoint_is_parsed() -> None:
    line = "vllm: api=openai-chat base_url=http://localhost:8000/v1 price=0.15/0.60"
    endpoint = parse_endpoint(line)
    assert endpoint.name == "vllm"
    assert endpoint.price == Price(input_usd=0.15, output_usd=0.6)
    assert not endpoint.free
