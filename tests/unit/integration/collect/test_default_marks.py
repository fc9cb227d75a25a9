"""What `-m` selects: hypotheses by our mark, and not the plain tests beside them."""

from __future__ import annotations

import pytest

from pytest_velo.integration.collect.items import hide_defaults
from support.items import collected, hypothesis_item


def test_the_mark_is_hidden_from_tests_that_are_not_ours(request: pytest.FixtureRequest) -> None:
    test = "def test_it(): return 1 > 0"
    items = hypothesis_item(request, "rate >= 0.5", test)[0], collected(request, test)[0]
    for item in items:
        item.add_marker("velo")
    hide_defaults(items)
    assert [item.get_closest_marker("velo") is not None for item in items] == [True, False]
