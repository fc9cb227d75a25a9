"""Which hypotheses may be sampled before pytest reaches them: those whose set-up is all our own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_velo.integration.run.freedom import is_free, may_pool
from support.items import hypothesis_item


def test_nothing_is_pooled_with_maxfail(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = "def test_it(case): return case > 1"
    _, state = hypothesis_item(request, "rate >= 0.5, cases=[1, 2]", test)
    session = SimpleNamespace(config=request.config, testsfailed=0)
    monkeypatch.setattr(request.config.option, "timeout", None, raising=False)  # of pytest-timeout
    monkeypatch.setattr(request.config.option, "maxfail", 0)
    assert may_pool(session, state)
    monkeypatch.setattr(request.config.option, "maxfail", 1)
    assert not may_pool(session, state)


def test_a_test_with_fixtures_of_others_is_not_free(request: pytest.FixtureRequest) -> None:
    mark = "rate >= 0.5, cases=[1, 2]"
    plain, _ = hypothesis_item(request, mark, "def test_it(case): return case > 1")
    other, _ = hypothesis_item(request, mark, "def test_it(case, tmp_path_factory): return case > 1")
    assert is_free(plain)
    assert not is_free(other)
