"""Claims about a baseline: what is stored, whether it fits, what is compared, what is stored anew."""

from __future__ import annotations

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.baseline.guard import guard_of, unsampled_result
from pytest_velo.integration.collect.update import check_update
from pytest_velo.integration.config.payment import PayRule
from pytest_velo.settings import Update
from support.items import built, hypothesis_item


def test_a_missing_baseline_is_a_problem_unless_updating(request: pytest.FixtureRequest) -> None:
    test = "def test_is_even(case): return case % 2 == 0"
    mark = "rate >= baseline - 0.1, cases=[1, 2]"
    normal = built(request, mark, test)
    assert (
        guard_of(*hypothesis_item(request, mark, test), normal).problem
        == "velo-baseline.json has no baseline for this test: --velo-update samples and stores one"
    )
    assert guard_of(*hypothesis_item(request, mark, test, update=Update.NEW), normal).hypothesis.to_the_end


def test_baselines_are_not_updated_in_ci(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.delenv("CI", raising=False)
    test = "def test_it(): return 1 > 0"
    item, session = hypothesis_item(request, "rate >= baseline", test, update=Update.ALL)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(UsageError) as caught:
        check_update(item, session)
    assert caught.value.where == "test_it.py::test_it"
    assert "baselines are not updated in CI:" in caught.value.what
    session.paying = PayRule(node_ids=("test_it.py::test_it",))
    check_update(item, session)


def test_an_unsampled_result_is_inconclusive(request: pytest.FixtureRequest) -> None:
    hypothesis = built(request, "rate >= baseline", "def test_it(): return 1 > 0")
    result = unsampled_result(hypothesis, "there is no baseline of it")
    assert result.outcome.value == "inconclusive"
    assert result.n_calls == 0
    assert result.rerun == "pytest test_it.py::test_it --velo-update"
