"""What a run would take, without a call: bodies run on stored draws until the first one that is missing."""

from __future__ import annotations

import pytest

from pytest_velo.integration.body import model_of
from pytest_velo.integration.run.estimate import estimate_of, run_on_stored, skip_text
from pytest_velo.settings import Api, Endpoint, Mode, Price
from support.items import hypothesis_item


def test_a_scripted_run_is_estimated_without_storing(request: pytest.FixtureRequest) -> None:
    mark = "rate >= 0.5, models=[scripted('sure', ['yes'])]"
    test = "def test_it(model): return model('Is 7 a prime?') == 'yes'"
    item, session = hypothesis_item(request, mark, test, mode=Mode.ESTIMATE)
    item.funcargs["model"] = model_of(item, None)
    run = run_on_stored(item, session)
    assert run.verdict.value == "supported"
    assert run.error is None
    assert not session.settings.cache_dir.exists()


def test_an_estimate_without_stored_draws(request: pytest.FixtureRequest) -> None:
    mark = "rate >= 0.5, models=['local/smollm2-135m'], max_trials=40"
    test = "def test_it(model): return 'yes' in model('Is 7 a prime?')"
    item, session = hypothesis_item(request, mark, test, mode=Mode.ESTIMATE)
    item.funcargs["model"] = model_of(item, None)
    estimate = estimate_of(item, session, run_on_stored(item, session))
    assert estimate.n_draws == 0
    assert estimate.n_left == 40
    assert estimate.usd == 0.0
    assert estimate.calls_per_trial is None


def test_the_skip_text_tells_the_price_at_worst(request: pytest.FixtureRequest) -> None:
    tenth_of_a_cent_a_token = Price(input_usd=0.0, output_usd=1_000.0)
    shop = Endpoint(name="shop", api=Api.OPENAI_CHAT, price=tenth_of_a_cent_a_token)
    mark = "rate >= 0.5, models=['shop/m'], max_trials=40"
    test = "def test_it(model): return 'yes' in model('Is 7 a prime?', max_tokens=100)"
    session_is = {"mode": Mode.ESTIMATE, "endpoints": (shop,)}
    item, session = hypothesis_item(request, mark, test, **session_is)
    item.funcargs["model"] = model_of(item, None)
    run = run_on_stored(item, session)
    told = skip_text(item, session, run)
    assert "at most 40 trials of at least 1 call each, $4.00 at worst with 1 each" in told
    assert told.endswith("run: pytest -m velo test_it.py::test_it")
