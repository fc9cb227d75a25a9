"""`check` under the profile `confirm`: what is refused was never frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_velo import check_sync, rate
from pytest_velo.errors import UsageError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VELO_PROFILE", "confirm")


def holds(case: str, trial: Any) -> bool:
    """It holds of every case."""
    return bool(trial.rng.random() < 0.99)


def test_a_check_that_is_refused_freezes_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = ["the same words in each of them"] * 3 + [f"case {n}: {n**5}" for n in range(9)]
    monkeypatch.setenv("VELO_STRICT", "1")
    with pytest.raises(UsageError, match="F05 duplicate cases"):
        check_sync(rate >= 0.4, holds, cases=cases)
    monkeypatch.delenv("VELO_STRICT")
    found = check_sync(rate >= 0.5, holds, cases=cases, max_trials=12).result.confirmation
    assert found is not None
    assert (found.number, found.earlier) == (1, ())
