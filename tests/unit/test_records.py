"""The plain records that modules exchange: requests, replies, draws, trials."""

from __future__ import annotations

from pytest_velo.records import add_costs, as_messages


def test_an_unknown_cost_makes_the_sum_unknown() -> None:
    assert add_costs([0.1, 0.2]) == 0.1 + 0.2
    assert add_costs([0.1, None]) is None
    assert add_costs([]) == 0.0


def test_a_prompt_becomes_messages() -> None:
    assert [message["role"] for message in as_messages("Hi", "Be brief.")] == ["system", "user"]
    assert as_messages([{"role": "user", "content": "Hi"}]) == as_messages("Hi")
