"""Running one item: sample its hypothesis, keep the result, raise what pytest must see."""

from __future__ import annotations

import re

import pytest

from pytest_velo.integration.collect.stash import RESULT
from pytest_velo.integration.run.item import run_if_ours, run_item
from pytest_velo.integration.run.outcomes import HypothesisRefuted
from support.items import collected, hypothesis_item


def test_only_hypotheses_are_sampled(request: pytest.FixtureRequest) -> None:
    test = "def test_it(): return 1 > 0"
    item, _ = hypothesis_item(request, "rate >= 0.5", test)
    assert run_if_ours(item)
    assert run_if_ours(collected(request, test)[0]) is None


def test_a_refuted_item_raises(request: pytest.FixtureRequest) -> None:
    mark, test = "rate >= 0.5, max_trials=5", "def test_it(): return 1 < 0"
    item, _ = hypothesis_item(request, mark, test)
    with pytest.raises(HypothesisRefuted, match=re.escape("rate < 0.5")):
        run_item(item)
    assert item.stash[RESULT].outcome.value == "refuted"
    assert item.stash[RESULT].decision.evidence.n == 5
