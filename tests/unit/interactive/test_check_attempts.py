"""`check` counts attempts and keeps predictions, as tests do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo import check_sync, rate
from pytest_velo.errors import UsageError
from pytest_velo.records import Said
from pytest_velo.stats.multiplicity import attempt_share


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def heads(trial):  # type: ignore[no-untyped-def]
    """The coin lands heads."""
    return trial.rng.random() < 0.9


def test_a_call_is_an_attempt_with_its_share_of_alpha_and_its_prediction() -> None:
    options = {"family": "attempts", "predict": 0.8, "max_trials": 30}
    first = check_sync(rate >= 0.5, heads, seed=1, **options).result
    again = check_sync(rate >= 0.5, heads, seed=1, **options).result
    second = check_sync(rate >= 0.5, heads, seed=2, **options).result
    assert [each.attempt.number for each in (first, again, second)] == [1, 1, 2]
    assert second.alpha == pytest.approx(0.05 * attempt_share(2))
    assert second.prediction is not None
    assert (second.prediction.p, second.prediction.said) == (0.8, Said.BEFORE)


def test_a_sweep_is_a_family_of_its_own() -> None:
    with pytest.raises(UsageError, match="sweep") as error:
        check_sync(rate >= 0.5, heads, over={"share": [0.1, 0.9]}, family="attempts")
    assert error.value.fix
