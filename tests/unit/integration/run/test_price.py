"""What a trial of an item takes, as far as it is known without a call."""

from __future__ import annotations

import pytest

from pytest_velo import scripted
from pytest_velo.cache.looks import LastSeen
from pytest_velo.integration.run.price import asks_a_model, last_seen, price_of
from pytest_velo.report.plan_record import TrialPrice
from support.items import hypothesis_item


def test_the_price_of_a_scripted_model_is_zero(request: pytest.FixtureRequest) -> None:
    ids = (scripted("parrot", ["Hello!"]),)
    test = "def test_it(model): return 1 > 0"
    item, session = hypothesis_item(request, "rate >= 0.5", test, models=ids)
    assert price_of(item, session) == TrialPrice(calls=None, usd=0.0, known_from="known after its first run")


def test_a_test_that_takes_velo_asks_a_model(request: pytest.FixtureRequest) -> None:
    def asks(test):
        item, _ = hypothesis_item(request, "rate >= 0.5, cases=[1]", test)
        return asks_a_model(item)

    assert asks("def test_it(velo): return 1 > 0")
    assert not asks("def test_it(case, trial): return 1 > 0")


def test_what_a_test_needed_last_is_remembered(request: pytest.FixtureRequest) -> None:
    test = "def test_it(): return 1 > 0"
    item, session = hypothesis_item(request, "rate >= 0.5", test)
    assert last_seen(item, session) is None
    session.store.note_seen(item.nodeid, LastSeen(calls_per_trial=2.0, usd_per_trial=0.01))
    assert last_seen(item, session).calls_per_trial == 2.0
