"""Statistics a claim can be about: rate, mean, difference, and the change from a baseline."""

from __future__ import annotations

import pytest

from pytest_velo.claims.statistics import outcome_name
from pytest_velo.errors import UsageError


def test_an_outcome_name_is_a_text() -> None:
    assert outcome_name("asr", 'rate("asr") <= 0.05') == "asr"
    with pytest.raises(UsageError) as caught:
        outcome_name(0.05, 'rate("asr") <= 0.05')
    assert caught.value.what == "an outcome's name must be a string, got 0.05"
    assert caught.value.fix == 'rate("asr") <= 0.05'
