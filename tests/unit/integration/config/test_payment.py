"""Whether draws that cost money were asked for. Plain `pytest` never spends by accident."""

from __future__ import annotations

import pytest

from pytest_velo.integration.config.payment import pay_rule


def test_paid_draws_are_asked_for_by_mark_or_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VELO_MODE", raising=False)
    assert pay_rule(["-m", "velo"]).everything
    assert not pay_rule(["-m", "not velo"]).everything
    named = pay_rule(["-q", "tests/test_tone.py::test_short"])
    assert named.allows("tests/test_tone.py::test_short[fr]")
    assert not named.allows("tests/test_tone.py::test_warm")
