"""Draws that are not made because the user did not ask for them, and what they would cost at worst."""

from __future__ import annotations

from pytest_velo.sampling.refusals import not_estimated, would_pay


def test_not_estimated_tells_the_worst_price() -> None:
    error = not_estimated(0.02, "model openai/gpt-5")
    assert error.worst_usd == 0.02
    assert error.where == "model openai/gpt-5"
    assert error.fix == "run without --velo-mode=estimate"


def test_would_pay_tells_how_to_ask() -> None:
    error = would_pay(None, "model openai/gpt-5")
    assert error.where == "model openai/gpt-5"
    assert error.what == "this would make a paid call, and paid calls are not enabled"
    assert error.fix == "enable paid calls: -m velo, the test's own node id, or --velo-mode=auto"
