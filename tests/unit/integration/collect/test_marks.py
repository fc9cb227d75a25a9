"""Reading the marks: one `hypothesis(claim, ...)` a test, defaults from `velo(...)`."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from pytest_velo.claims import rate
from pytest_velo.designing.spec import Spec
from pytest_velo.integration.collect.marks import is_given, read_spec
from support.items import hypothesis_item


def test_tests_of_hypothesis_are_recognised() -> None:
    @given(strategies.integers())
    def test_property(n):
        pass

    assert is_given(test_property)
    assert not is_given(lambda n: None)


def test_options_of_the_hypothesis_win_over_those_of_velo(request: pytest.FixtureRequest) -> None:
    test = "@pytest.mark.velo(alpha=0.1, beta=0.1)\ndef test_it(): return 1 > 0"
    item, _ = hypothesis_item(request, "rate >= 0.5, alpha=0.01", test)
    assert read_spec(item, item.function) == Spec(claim=rate >= 0.5, options={"alpha": 0.01, "beta": 0.1})
