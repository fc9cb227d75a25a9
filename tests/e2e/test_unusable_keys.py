"""A key that no header can carry is a usage error before any call, and is not shown."""

from __future__ import annotations

import pytest

HYPOTHESIS = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_h(model):
    assert (await model("Hi")).answers("yes")
"""


@pytest.mark.parametrize("key", ["sk-0123456789\n", "sk-schlüssel", "sk-01\r\nx-evil: 1"])
def test_a_key_that_no_header_can_carry(run, lab, monkeypatch, key):
    monkeypatch.setenv("LAB_KEY", key)
    run.file(HYPOTHESIS)
    result = run("-m", "velo")
    shown = result.stdout.str() + result.stderr.str()
    assert (
        "the environment variable LAB_KEY contains a line break or a character that cannot be part of a key"
        in shown
    )
    assert "export LAB_KEY again, as the provider shows it" in shown
    assert key.strip() not in shown
    assert result.ret != 0
    assert lab.calls == []
