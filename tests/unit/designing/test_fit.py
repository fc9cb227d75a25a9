"""Whether a mark's keywords fit its claim and one another, which needs nothing but the mark."""

from __future__ import annotations

import pytest

from pytest_velo.claims import difference, rate
from pytest_velo.designing.fit import check_fit
from pytest_velo.errors import UsageError


def test_arms_belong_to_a_difference() -> None:
    options = {}
    check_fit(difference("openai/gpt-5", "openai/gpt-5-mini") >= 0.1, options)
    assert options == {"arms": ("openai/gpt-5", "openai/gpt-5-mini")}
    with pytest.raises(UsageError) as caught:
        check_fit(rate >= 0.5, {"arms": ("plain", "hinted")})
    assert caught.value.what == "arms= is for differences, but the claim is `rate >= 0.5`"
    assert caught.value.fix == 'difference("plain", "hinted") >= 0.1'
